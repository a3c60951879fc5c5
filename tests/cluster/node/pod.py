"""One pod on the node, from its arrival to its removal."""

import asyncio
import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from cluster.narration import narrate
from cluster.node import identity, statuses
from cluster.node.api import UNREACHABLE, Manifest, Refused
from cluster.node.configuring import Surroundings
from cluster.node.container import Container
from cluster.node.states import Terminated

RETRY_S = 0.5


class Pod:
    """Runs a pod's containers and reports on them; `live` is its whole life."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.manifest = surroundings.pod
        self._surroundings = surroundings
        self._news = asyncio.Event()
        self._ending = asyncio.Event()
        self._containers = self._made("containers", surroundings.pod["spec"].get("restartPolicy", "Always"))
        # An init container is run again until it succeeds, unless the pod is one that never restarts.
        self._init = self._made("initContainers", "Never" if surroundings.pod["spec"].get("restartPolicy") == "Never" else "OnFailure")
        self._reported: Manifest = {}
        self._started_at = datetime.now(UTC)
        self._removed = False
        self._deletion_seen_at = 0.0

    def _made(self, kind: str, policy: str) -> list[Container]:
        return [
            Container(spec=spec, surroundings=self._surroundings, policy=policy, changed=self._news.set)
            for spec in self.manifest["spec"].get(kind, [])
        ]  # fmt: skip

    def update(self, manifest: Manifest) -> None:
        """Hear what the API server says of the pod now."""
        drifted = self._reported and statuses.counts_as_ready(manifest) != statuses.counts_as_ready({"status": self._reported})
        self.manifest = manifest
        if drifted:
            self._news.set()
        if "deletionTimestamp" in manifest["metadata"] and not self._ending.is_set():
            self._deletion_seen_at = time.monotonic()
            self._ending.set()

    def removed(self) -> None:
        """Hear that the pod is gone from the API server, with or without our doing: nothing may outlive it."""
        self._removed = True
        self._ending.set()
        self._news.set()

    async def live(self) -> None:
        """Run, report, and clear away."""
        self._surroundings.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        reporting = asyncio.create_task(self._report())
        renewing = asyncio.create_task(self._renew())
        working = asyncio.create_task(self._work())
        ending = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait([working, ending], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()  # raises what went wrong, which is a bug of ours
            await ending  # a pod that has completed stays until somebody deletes it
            await self._end(working)
            reporting.cancel()
            await self._delete()
        finally:
            for task in (reporting, renewing, working, ending):
                task.cancel()
            shutil.rmtree(self._surroundings.folder, ignore_errors=True)

    async def _work(self) -> None:
        """The init containers one after the other, then the others side by side."""
        self._news.set()
        for container in self._init:
            await container.run()
            if not (isinstance(container.state, Terminated) and container.state.exit_code == 0):
                return
        await asyncio.gather(*(container.run() for container in self._containers))

    async def _end(self, working: "asyncio.Task[None]") -> None:
        """End all containers at once, each by the pod's deadline."""
        everyone = [*self._init, *self._containers]
        while not working.done():
            await asyncio.gather(*(container.stop(self._deadline) for container in everyone))
            # One may just have been between its configuration and its start; then it runs now.
            await asyncio.wait([working], timeout=0.05)

    def _deadline(self) -> float:
        """When the grace is over; a second, shorter deletion brings it nearer."""
        if self._removed:
            return 0.0
        return self._deletion_seen_at + float(self.manifest["metadata"].get("deletionGracePeriodSeconds") or 0)

    def _status(self) -> Manifest:
        containers = [container.snapshot() for container in self._containers]
        seen = statuses.PodSnapshot(
            pod=self.manifest, pod_ip=self._surroundings.pod_ip, started_at=self._started_at, containers=containers,
            init=[container.snapshot() for container in self._init], over=self._ending.is_set() and not statuses.running(containers),
        )  # fmt: skip
        return statuses.status(seen, before=self._reported, now=datetime.now(UTC))

    async def _report(self) -> None:
        """Write the status whenever there is news, and again until it arrives."""
        while True:
            await self._news.wait()
            self._news.clear()
            status = self._status()
            try:
                await self._write(status)
            except UNREACHABLE:
                self._news.set()
                await asyncio.sleep(RETRY_S)
            except Refused as refusal:
                if refusal.status == HTTPStatus.NOT_FOUND or refusal.names_another:
                    return  # the pod is gone, or another bears its name
                narrate(f"status of {self._path}: {refusal}")
                self._news.set()
                await asyncio.sleep(RETRY_S)
            else:
                self._reported = status

    async def _write(self, status: Manifest) -> None:
        uid = self.manifest["metadata"]["uid"]  # so that a namesake is not written to
        await self._surroundings.api.patch(f"{self._path}/status", {"metadata": {"uid": uid}, "status": status})

    async def _renew(self) -> None:
        mine = identity.Identity(api=self._surroundings.api, folder=self._surroundings.folder)
        if any(identity.wanted(spec) for spec in self._specs):
            await mine.keep_fresh(self.manifest)

    @property
    def _specs(self) -> Sequence[Manifest]:
        return [*self.manifest["spec"].get("initContainers", []), *self.manifest["spec"]["containers"]]

    async def _delete(self) -> None:
        """Report the last state, then remove the pod from the API server."""
        while not self._removed:
            try:
                await self._write(self._status())
                uid = self.manifest["metadata"]["uid"]
                await self._surroundings.api.request(
                    "DELETE",
                    self._path,
                    {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "preconditions": {"uid": uid}},
                )
            except UNREACHABLE:
                await asyncio.sleep(RETRY_S)
            except Refused as refusal:
                if not refusal.passing:
                    return  # gone already
                await asyncio.sleep(RETRY_S)
            else:
                return

    @property
    def _path(self) -> str:
        metadata = self.manifest["metadata"]
        return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
