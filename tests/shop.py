"""A namespace of the real API server with the Deployment `orders` in it, seen as the operator and as everybody else."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apituner.core.workload import Workload
from apituner.kube.client import DEPLOYMENTS, Api
from apituner.kube.workloads import KubeWorkloads
from apituner.ports import Target
from cluster import LocalCluster
from deployments import a_target

_PATIENCE_S = 30.0
"""A Deployment without pods is at rest within a second; a busy machine takes longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One namespace: what the operator does there, and what others do."""

    cluster: LocalCluster
    api: Api
    namespace: str
    workloads: KubeWorkloads

    def target(self, **changes: Any) -> Target:  # noqa: ANN401 - any field of a Target
        """Return the target `orders` in this namespace."""
        return a_target(namespace=self.namespace, **changes)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Do what somebody else would do."""
        return self.cluster.kubectl("-n", self.namespace, *arguments, input=stdin)

    async def deploy(self, *containers: dict[str, Any], target: Target | None = None, **spec: Any) -> Workload:  # noqa: ANN401
        """Create `orders`, with no pods unless *spec* says otherwise, and wait until it is at rest."""
        labels = {"app": "orders"}
        pod = {"terminationGracePeriodSeconds": 6, "containers": list(containers) or [a_program()]}
        manifest = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "orders"},
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}, **spec},
        }
        self.kubectl("create", "--field-manager=team", "-f", "-", stdin=json.dumps(manifest))
        return await self.at_rest(target)

    async def at_rest(self, target: Target | None = None) -> Workload:
        """Read until nothing moves, as the engine would."""
        return await self.until(lambda seen: seen.unsettled_because is None and seen.rolled_out_at is not None, target)

    async def until(self, seen_as_wanted: Callable[[Workload], bool], target: Target | None = None) -> Workload:
        """Read until the Deployment is as wanted."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                seen = await self.read(target)
                if seen_as_wanted(seen):
                    return seen
                await asyncio.sleep(0.1)

    async def read(self, target: Target | None = None) -> Workload:
        """Read a Deployment that has no fault."""
        seen = await self.workloads.read(target or self.target())
        assert isinstance(seen, Workload), seen
        return seen

    async def live(self) -> dict[str, Any]:
        """Return the manifest as it stands."""
        return dict(await self.api.get(DEPLOYMENTS, self.namespace, "orders"))

    async def env(self, container: int = 0) -> dict[str, str | None]:
        """Return the container's literals."""
        spec = (await self.live())["spec"]["template"]["spec"]["containers"][container]
        return {entry["name"]: entry.get("value") for entry in spec.get("env", [])}


def a_program(name: str = "api", env: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a container that waits to be told to go."""
    variables = [{"name": key, "value": value} for key, value in (env or {}).items()]
    return {"name": name, "image": f"{name}:1", "command": ["sleep", "3600"], "env": variables, **changes}
