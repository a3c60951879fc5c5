"""From a container's manifest to what its process is started with."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.node import cgroups, identity, probes, process
from cluster.node.api import UNREACHABLE, Api, Manifest, Refused
from cluster.node.environment import Sources, Unresolved, environment, expanded, references
from cluster.node.logs import log_file
from cluster.node.quantities import cpu_limit

HOOK_TIMEOUT_S = 3600.0  # a hook is given up at the end of the grace period, not by a time of its own
PLURALS = {"configmap": "configmaps", "secret": "secrets"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """A container that can be started."""

    argv: list[str]
    env: dict[str, str]
    scratch: Path
    logs: Path
    pod: Manifest
    name: str
    pod_ip: str
    members: Path | None

    def launch(self, run: int, argv: list[str] | None = None) -> process.Launch:
        """The start of its process, or of *argv* beside it."""
        log = log_file(self.logs, self.pod, container=self.name, run=run)
        return process.Launch(argv=argv or self.argv, env=self.env, cwd=self.scratch, log=log, members=self.members)

    async def run(self, argv: list[str], within_s: float) -> bool:
        """Run a command in the container's place, as an exec probe does; what it prints is kept apart."""
        launch = self.launch(0, argv)
        aside = process.Launch(argv=argv, env=launch.env, cwd=launch.cwd, log=self.scratch / ".exec.log", members=launch.members)
        return await process.completes(aside, within_s)

    async def hook(self, hook: Manifest, container: Manifest) -> None:
        """Do what a lifecycle hook says; whether it succeeds changes nothing for a container that ends anyway."""
        if "sleep" in hook:
            await asyncio.sleep(hook["sleep"]["seconds"])
        elif "exec" in hook:
            await self.run(hook["exec"]["command"], HOOK_TIMEOUT_S)
        elif "httpGet" in hook:
            await probes.http_answers(hook["httpGet"], container, pod_ip=self.pod_ip, timeout_s=HOOK_TIMEOUT_S)

    def release(self) -> None:
        """Give back what a run held beside its process."""
        if self.members:
            cgroups.remove(self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all containers of one pod have in common; *cgroup* is None where limits cannot be set."""

    api: Api
    pod: Manifest
    pod_ip: str
    folder: Path
    logs: Path
    cgroup: Path | None
    base_env: Mapping[str, str]

    @property
    def grace_s(self) -> float:
        """What a container gets to end when it is not the pod that ends."""
        return float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))

    async def configure(self, container: Manifest) -> Configured | Unresolved:
        """Gather what *container* refers to; a refusal or a server that is away is a reason to wait as well."""
        try:
            return await self._configured(container)
        except (*UNREACHABLE, Refused) as error:
            return Unresolved(because=str(error) or type(error).__name__)

    async def _configured(self, container: Manifest) -> Configured | Unresolved:
        namespace = self.pod["metadata"]["namespace"]
        held = {
            (kind, name): await self.api.get(f"/api/v1/namespaces/{namespace}/{PLURALS[kind]}/{name}")
            for kind, name in references(container)
        }  # fmt: skip
        stated = environment(container, Sources(pod=self.pod, pod_ip=self.pod_ip, held=held))
        if isinstance(stated, Unresolved):
            return stated
        scratch = self.folder / "scratch"
        scratch.mkdir(mode=0o700, exist_ok=True)
        given = dict(self.base_env) | {"HOME": str(scratch), "TMPDIR": str(scratch)}
        if identity.wanted(container):
            mine = identity.Identity(api=self.api, folder=self.folder)
            if not mine.kubeconfig.exists():
                await mine.issue(self.pod)
            given["KUBECONFIG"] = str(mine.kubeconfig)
        cpus = cpu_limit(container)
        name = f"{self.pod['metadata']['uid']}-{container['name']}"
        return Configured(
            argv=[expanded(word, stated) for word in (*container.get("command", []), *container.get("args", []))],
            env=given | stated,
            scratch=scratch,
            logs=self.logs,
            pod=self.pod,
            name=container["name"],
            pod_ip=self.pod_ip,
            members=cgroups.limit(self.cgroup, name, cpus) if self.cgroup and cpus else None,
        )
