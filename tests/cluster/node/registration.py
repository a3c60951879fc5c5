"""The node itself: made known to the API server, and kept alive there."""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus

from cluster.narration import narrate
from cluster.node.api import UNREACHABLE, Api, Manifest, Refused
from cluster.node.states import stamp

HEARTBEAT_S = 10.0  # as the kubelet renews its lease
RETRY_S = 0.5
LEASE_S = 40
# Room for any test: what a pod asks for only decides whether it is scheduled, and there is no other node.
CAPACITY = {"cpu": "64", "memory": "256Gi", "pods": "500", "ephemeral-storage": "100Gi"}


def node(name: str) -> Manifest:
    """The Node object."""
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status(datetime.now(UTC))}


def status(now: datetime) -> Manifest:
    """Its status: always ready, as long as anybody is there to say so."""
    ready = {"type": "Ready", "status": "True", "reason": "NodeReady", "message": "pods are processes", "lastHeartbeatTime": stamp(now)}
    pressures = [
        {"type": kind, "status": "False", "reason": "Unlimited", "lastHeartbeatTime": stamp(now)}
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
    ]
    return {
        "capacity": CAPACITY,
        "allocatable": CAPACITY,
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "conditions": [ready, *pressures],
        "nodeInfo": dict.fromkeys(
            ("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeProxyVersion"), ""
        ) | {"kubeletVersion": "v1.37.2", "operatingSystem": "linux", "architecture": "amd64"},
    }  # fmt: skip


async def stay_registered(api: Api, name: str) -> None:
    """Register, then renew status and lease for ever; after an outage, as soon as the API server is back."""
    while True:
        try:
            await _beat(api, name)
        except (*UNREACHABLE, Refused) as error:
            narrate(f"heartbeat: {error or type(error).__name__}")
            await asyncio.sleep(RETRY_S)
        else:
            await asyncio.sleep(HEARTBEAT_S)


async def _beat(api: Api, name: str) -> None:
    path = f"/api/v1/nodes/{name}"
    now = datetime.now(UTC)
    if await api.get(path) is None:
        await api.request("POST", "/api/v1/nodes", node(name))
    await api.patch(f"{path}/status", {"status": status(now)})
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    spec = {"holderIdentity": name, "leaseDurationSeconds": LEASE_S, "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    try:
        await api.request("PATCH", f"{leases}/{name}", {"spec": spec}, kind="application/merge-patch+json")
    except Refused as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
        await api.request("POST", leases, lease)
