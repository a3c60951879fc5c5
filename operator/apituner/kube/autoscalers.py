"""Which autoscaler owns a Deployment's replicas: one list a namespace, shared by all who ask during the same sweep."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from apituner.core.workload import Autoscaler
from apituner.kube.client import AUTOSCALERS, Api, Manifest

_FRESH_S = 5.0
"""Well below the usual 15 s between sweeps, so that each asks again, and above the time in which a sweep reads its Deployments."""


class Autoscalers:
    """The HorizontalPodAutoscalers of the namespaces that are asked for."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._asked: dict[str, tuple[float, asyncio.Task[list[Manifest]]]] = {}

    async def of(self, namespace: str, deployment: str) -> Autoscaler | None:
        """The autoscaler that targets the Deployment; raises KubeError, for not knowing is not the same as there being none."""
        return autoscaler_of(await self._in(namespace), deployment)

    async def _in(self, namespace: str) -> list[Manifest]:
        now = asyncio.get_running_loop().time()
        self._asked = {place: asked for place, asked in self._asked.items() if now - asked[0] < _FRESH_S}
        if namespace not in self._asked:
            task = asyncio.create_task(self._api.list(AUTOSCALERS, namespace))
            self._asked[namespace] = (now, task)
        # Shielded: the one who asked first may be cancelled, the others still wait for the same answer.
        return await asyncio.shield(self._asked[namespace][1])


def autoscaler_of(autoscalers: Iterable[Mapping[str, Any]], deployment: str) -> Autoscaler | None:
    """The first autoscaler that targets the Deployment, under the name that its user knows: a ScaledObject's where KEDA made it."""
    for autoscaler in autoscalers:
        spec, metadata = autoscaler["spec"], autoscaler["metadata"]
        scaled = spec["scaleTargetRef"]
        if (scaled.get("kind"), scaled.get("name")) != ("Deployment", deployment):
            continue
        controller = next((owner for owner in metadata.get("ownerReferences") or [] if owner.get("controller")), None)
        return Autoscaler(
            kind=controller["kind"] if controller else "HorizontalPodAutoscaler",
            name=controller["name"] if controller else metadata["name"],
            min_replicas=spec.get("minReplicas", 1),
            max_replicas=spec["maxReplicas"],
        )
    return None
