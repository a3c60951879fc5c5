"""Who a pod is to the API server: a kubeconfig with a token of its ServiceAccount that is bound to the pod, as a kubelet would mount it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from cluster.credentials import kubeconfig, write_private
from cluster.node.api import UNREACHABLE, Api, Manifest, Refused

LIFETIME_S = 3600  # the kubelet's default for a projected token
REFRESH_AT = 0.8  # of the lifetime, as the kubelet does
RETRY_S = 1.0
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The pod's files; the token is in both, as some clients re-read a token's file and some know only the kubeconfig."""

    api: Api
    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """What KUBECONFIG names."""
        return self.folder / "kubeconfig"

    async def issue(self, pod: Manifest) -> None:
        """Ask for a token and write both files; as long as the ServiceAccount does not exist, the API server refuses."""
        metadata = pod["metadata"]
        account = pod["spec"].get("serviceAccountName", "default")
        answer = await self.api.request("POST", f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token", {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "expirationSeconds": LIFETIME_S,
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]},
            },
        })  # fmt: skip
        token = answer["status"]["token"]
        token_file = write_private(self.folder / "token", token)
        access = self.api.access
        text = kubeconfig(
            server=access.server,
            authority=access.authority.read_bytes(),
            token=token,
            token_file=token_file,
            namespace=metadata["namespace"],
        )
        write_private(self.kubeconfig, text)

    async def keep_fresh(self, pod: Manifest, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Renew the token before it expires, for as long as the pod lives."""
        pause = LIFETIME_S * REFRESH_AT
        while True:
            await sleep(pause)
            try:
                await self.issue(pod)
                pause = LIFETIME_S * REFRESH_AT
            except (*UNREACHABLE, Refused):
                pause = RETRY_S


def wanted(container: Manifest) -> bool:
    """Whether *container* gets a token: admission has mounted one unless automountServiceAccountToken is false."""
    return any(mount["mountPath"] == MOUNT for mount in container.get("volumeMounts", []))
