"""All pods of the node: each that the scheduler puts here gets a life of its own."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.narration import narrate
from cluster.node.addresses import Addresses
from cluster.node.api import UNREACHABLE, Api, Manifest, Refused
from cluster.node.configuring import Surroundings
from cluster.node.pod import Pod

RETRY_S = 0.3
OVER = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Follows the pods that are bound to *node*; *cgroup* is None where CPU limits cannot be set."""

    api: Api
    node: str
    folder: Path
    cgroup: Path | None
    addresses: Addresses
    base_env: Mapping[str, str]
    _pods: dict[str, Pod] = field(default_factory=dict)
    _lives: set["asyncio.Task[None]"] = field(default_factory=set)

    async def follow(self) -> None:
        """List, watch from there, and begin again whenever the watch breaks: the API server may be restarted at any time."""
        selector = f"spec.nodeName={self.node}"
        while True:
            try:
                listed = await self.api.request("GET", f"/api/v1/pods?fieldSelector={selector}")
                self._reconcile(listed["items"])
                async for event in self.api.watch("/api/v1/pods", selector, listed["metadata"]["resourceVersion"]):
                    if event["type"] == "ERROR":
                        break  # the version is too old to watch from
                    self._hear(event["object"], gone=event["type"] == "DELETED")
            except (*UNREACHABLE, Refused) as error:
                narrate(f"the API server is away, pods run on: {error or type(error).__name__}")
                await asyncio.sleep(RETRY_S)

    def _reconcile(self, manifests: list[Manifest]) -> None:
        """Take a full list: whoever is not in it was removed while nobody watched."""
        there = {manifest["metadata"]["uid"] for manifest in manifests}
        for uid in [uid for uid in self._pods if uid not in there]:
            self._pods.pop(uid).removed()
        for manifest in manifests:
            self._hear(manifest, gone=False)

    def _hear(self, manifest: Manifest, *, gone: bool) -> None:
        uid: str = manifest["metadata"]["uid"]
        if gone:
            if known := self._pods.pop(uid, None):
                known.removed()
            return
        # A pod that had completed before this process began is nobody's any more; deleted, it only has to be let go.
        over = manifest.get("status", {}).get("phase") in OVER
        if uid not in self._pods and (not over or "deletionTimestamp" in manifest["metadata"]):
            pod = self._pods[uid] = Pod(self._surroundings(manifest))
            life: asyncio.Task[Any] = asyncio.create_task(pod.live(), name=manifest["metadata"]["name"])
            self._lives.add(life)
            life.add_done_callback(self._buried)
        if uid in self._pods:
            self._pods[uid].update(manifest)

    def _surroundings(self, manifest: Manifest) -> Surroundings:
        return Surroundings(
            api=self.api, pod=manifest, pod_ip=self.addresses.take(), folder=self.folder / "pods" / manifest["metadata"]["uid"],
            logs=self.folder / "logs", cgroup=self.cgroup, base_env=self.base_env,
        )  # fmt: skip

    def _buried(self, life: "asyncio.Task[None]") -> None:
        self._lives.discard(life)
        if not life.cancelled() and (error := life.exception()):
            narrate(f"pod {life.get_name()} was lost to a bug of the node: {error!r}")
