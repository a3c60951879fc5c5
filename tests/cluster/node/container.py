"""One container of a pod: configured, started, probed, ended, and started again."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cluster.node import probes, process
from cluster.node.api import Manifest
from cluster.node.configuring import Configured, Surroundings
from cluster.node.states import ContainerSnapshot, Running, State, Terminated, Waiting

# A kubelet restarts at once the first time, then after 10 s, doubling to 5 min. Tests should not wait that long for the second restart.
FIRST_BACK_OFF_S = 2.0
LONGEST_BACK_OFF_S = 300.0
FORGIVEN_AFTER_S = 600.0  # a run that lasts this long starts the count anew, as in the kubelet
CONFIGURATION_RETRY_S = 1.0
LEAST_GRACE_S = 2.0  # what a kubelet leaves a container whose preStop hook used up its grace
START_FAILED = 128  # the exit code that container runtimes report then


@dataclass(slots=True, kw_only=True)
class Container:
    """Its life is `run`; `stop` ends it for good; `snapshot` says how it is, and `changed` is called when that changes."""

    spec: Manifest
    surroundings: Surroundings
    policy: str
    changed: Callable[[], None]
    state: State = field(default_factory=lambda: Waiting(reason="ContainerCreating"))
    last: Terminated | None = None
    restarts: int = 0
    started: bool = False
    ready: bool = False
    _process: asyncio.subprocess.Process | None = None
    _configured: Configured | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _back_off_s: float = 0.0

    def snapshot(self) -> ContainerSnapshot:
        """How it is now."""
        return ContainerSnapshot(
            name=self.spec["name"], image=self.spec.get("image", ""), state=self.state, last=self.last, restarts=self.restarts,
            started=self.started, ready=self.ready, process=self._process.pid if self._process else None,
        )  # fmt: skip

    async def run(self) -> None:
        """Run it as often as the restart policy wants; returns when it has ended for good."""
        while not self._stopping.is_set():
            ended = await self._run_once()
            if ended is None:
                return
            again = self.policy == "Always" or (self.policy == "OnFailure" and ended.exit_code != 0)
            if not again or self._stopping.is_set():
                return
            lasted_s = (ended.finished_at - ended.started_at).total_seconds()
            pause_s = 0.0 if lasted_s > FORGIVEN_AFTER_S else self._back_off_s
            self._back_off_s = min(LONGEST_BACK_OFF_S, pause_s * 2 or FIRST_BACK_OFF_S)
            self.last = ended
            if pause_s:
                back_off = f"back-off {pause_s:.0f}s restarting failed container={self.spec['name']}"
                self._become(Waiting(reason="CrashLoopBackOff", message=back_off))
                if await self._stopped_within(pause_s):
                    self._become(ended)  # it ended as it ended; that it was to be restarted matters no more
                    return
            self.restarts += 1

    async def stop(self, deadline: Callable[[], float]) -> None:
        """End it for good: preStop, SIGTERM, and SIGKILL at *deadline* (on time.monotonic's scale), which may come nearer meanwhile."""
        self._stopping.set()
        await self._end(deadline)

    async def _run_once(self) -> Terminated | None:
        """Configure and start it, and wait for its end; None if it was stopped before it could start."""
        configured = await self._configure()
        if configured is None:
            return None
        self._configured = configured
        began = datetime.now(UTC)
        try:
            self._process = await process.launched(configured.launch(self.restarts))
        except OSError as error:
            message = f'exec: "{configured.argv[0] if configured.argv else ""}": {error.strerror or error}'
            ended = Terminated(
                exit_code=START_FAILED, reason="StartError", message=message, started_at=began, finished_at=datetime.now(UTC)
            )
            configured.release()
            self._become(ended)
            return ended
        self.started = "startupProbe" not in self.spec
        self.ready = self.started and "readinessProbe" not in self.spec
        self._become(Running(started_at=began))
        watching = asyncio.create_task(self._watch())
        try:
            code = process.exit_code(await self._process.wait())
        finally:
            watching.cancel()
            process.destroy(self._process)
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        configured.release()
        self._process = None
        self.started = self.ready = False
        ended = Terminated(exit_code=code, reason="Completed" if code == 0 else "Error", started_at=began, finished_at=datetime.now(UTC))
        self._become(ended)
        return ended

    async def _configure(self) -> Configured | None:
        """Wait until all that the container refers to is there; None when it is stopped before."""
        while True:
            configured = await self.surroundings.configure(self.spec)
            if isinstance(configured, Configured):
                return configured
            self._become(Waiting(reason="CreateContainerConfigError", message=configured.because))
            if await self._stopped_within(CONFIGURATION_RETRY_S):
                return None

    async def _watch(self) -> None:
        """Probe it: the startup probe first and alone, then liveness and readiness side by side."""
        async with asyncio.TaskGroup() as group:
            if startup := self.spec.get("startupProbe"):
                up = asyncio.Event()
                waiting = group.create_task(self._probe(startup, healthy=False, changed=lambda healthy: up.set() if healthy else None))
                # It has so many tries, then the container is ended like one whose liveness probe fails.
                timing = probes.Timing.of(startup)
                tries_s = timing.initial_delay_s + timing.period_s * timing.failures
                try:
                    async with asyncio.timeout(tries_s):
                        await up.wait()
                except TimeoutError:
                    await self._end(self._in_full_grace())
                waiting.cancel()
                self.started = True
                self.ready = "readinessProbe" not in self.spec
                self.changed()
            if readiness := self.spec.get("readinessProbe"):
                group.create_task(self._probe(readiness, healthy=False, changed=self._judge_readiness))
            if liveness := self.spec.get("livenessProbe"):
                failed = asyncio.Event()
                group.create_task(self._probe(liveness, healthy=True, changed=lambda _: failed.set()))
                await failed.wait()
                await self._end(self._in_full_grace())

    async def _probe(self, probe: Manifest, *, healthy: bool, changed: Callable[[bool], None]) -> None:
        assert self._configured is not None
        ask = probes.question(probe, self.spec, pod_ip=self.surroundings.pod_ip, run=self._configured.run)
        await probes.watch(probe, healthy=healthy, ask=ask, changed=changed)

    def _judge_readiness(self, healthy: bool) -> None:  # noqa: FBT001 -- the callback of a probe
        self.ready = healthy
        self.changed()

    async def _end(self, deadline: Callable[[], float]) -> None:
        """End the running process, if there is one, by *deadline*."""
        running = self._process
        if running is None or self._configured is None:
            return
        hook = self.spec.get("lifecycle", {}).get("preStop")
        if hook:
            await self._before(deadline, self._configured.hook(hook, self.spec))
        process.terminate(running)
        least = time.monotonic() + LEAST_GRACE_S if hook else 0.0
        await self._before(lambda: max(deadline(), least), running.wait())
        if running.returncode is None:
            process.destroy(running)
            await running.wait()

    async def _before(self, deadline: Callable[[], float], work: Coroutine[Any, Any, object]) -> None:
        """Wait for *work*, and give it up at *deadline*, which is looked at again and again."""
        task = asyncio.ensure_future(work)
        while not task.done() and (left := deadline() - time.monotonic()) > 0:
            await asyncio.wait([task], timeout=min(left, 0.2))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def _in_full_grace(self) -> Callable[[], float]:
        """The deadline of an end that is not the pod's."""
        end = time.monotonic() + self.surroundings.grace_s
        return lambda: end

    async def _stopped_within(self, seconds: float) -> bool:
        """Wait, and say whether `stop` cut the waiting short."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True

    def _become(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.changed()
