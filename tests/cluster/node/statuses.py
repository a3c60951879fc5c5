"""A pod's status from the states of its containers; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cluster.node.api import Manifest
from cluster.node.states import ContainerSnapshot, Running, Terminated, Waiting, stamp


def phase(containers: Sequence[ContainerSnapshot], *, initialized: bool, policy: str) -> str:
    """The pod's phase, by the kubelet's rules (getPhase in its kubelet_pods.go)."""
    # One that ran before and waits to be restarted is not pending.
    if not initialized or any(isinstance(c.state, Waiting) and c.last is None for c in containers):
        return "Pending"
    ended = [c.state for c in containers if isinstance(c.state, Terminated)]
    if len(ended) < len(containers) or policy == "Always":
        return "Running"
    if all(state.exit_code == 0 for state in ended):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSnapshot:
    """One pod at one moment; *over* once a deleted pod's processes have all ended."""

    pod: Manifest
    pod_ip: str
    started_at: datetime
    containers: Sequence[ContainerSnapshot]
    init: Sequence[ContainerSnapshot]
    over: bool


def status(seen: PodSnapshot, *, before: Manifest, now: datetime) -> Manifest:
    """The whole status; times of transition are kept from the status *before* where nothing changed."""
    pod, containers, init = seen.pod, seen.containers, seen.init
    initialized = all(isinstance(c.state, Terminated) and c.state.exit_code == 0 for c in init)
    # Once the containers of a deleted pod have all ended, they are not restarted, whatever the policy.
    policy = "Never" if seen.over else pod["spec"].get("restartPolicy", "Always")
    current = phase(containers, initialized=initialized, policy=policy)
    over = current in ("Succeeded", "Failed")
    unready = [c.name for c in containers if not c.ready]
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates", [])]
    told = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", [])}
    closed = [gate for gate in gates if told.get(gate) != "True"]
    why = (
        ("PodCompleted", "")
        if over
        else ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
        if unready
        else None
    )
    conditions = [
        _condition("Initialized", None if initialized else ("ContainersNotInitialized", "containers with incomplete status")),
        _condition("ContainersReady", why),
        _condition("Ready", why or (("ReadinessGatesNotReady", f"the readiness gates are not ready: {closed}") if closed else None)),
        _condition("PodReadyToStartContainers", None),
        _condition("PodScheduled", None),
    ]
    earlier = {c["type"]: c for c in before.get("conditions", [])}
    for condition in conditions:
        known = earlier.get(condition["type"])
        same = known is not None and known["status"] == condition["status"]
        condition["lastTransitionTime"] = known["lastTransitionTime"] if known and same else stamp(now)
    return {
        "phase": current,
        "conditions": conditions,
        "hostIP": "127.0.0.1",
        "hostIPs": [{"ip": "127.0.0.1"}],
        "podIP": seen.pod_ip,
        "podIPs": [{"ip": seen.pod_ip}],
        "startTime": stamp(seen.started_at),
        "observedGeneration": pod["metadata"].get("generation", 1),
        "containerStatuses": [c.manifest() for c in containers],
    } | ({"initContainerStatuses": [c.manifest() for c in init]} if init else {})


def _condition(kind: str, why_not: tuple[str, str] | None) -> Manifest:
    """A condition that is true unless *why_not*, a reason and a message, says otherwise; null removes what an earlier patch said."""
    if why_not is None:
        return {"type": kind, "status": "True", "reason": None, "message": None}
    return {"type": kind, "status": "False", "reason": why_not[0], "message": why_not[1] or None}


def counts_as_ready(pod: Manifest) -> bool:
    """What a pod's status says about Ready; others may have changed it, such as a controller that gave up on the node."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", []))


def running(containers: Sequence[ContainerSnapshot]) -> bool:
    """Whether any process is still there."""
    return any(isinstance(c.state, Running) for c in containers)
