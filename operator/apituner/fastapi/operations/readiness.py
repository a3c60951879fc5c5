"""Who answers the probes: whether the event loop is alive, and whether what the API needs is there."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping

from prometheus_client import Gauge

from apituner.fastapi.operations.draining import Drain, drain
from apituner.fastapi.operations.probes import Probes, ReadyCheck
from apituner.fastapi.requests.exchange import Application, Message, Receive, Scope, Send
from apituner.fastapi.seldom import Seldom

_log = logging.getLogger("apituner.fastapi")

# The shortest period of a probe in Kubernetes: each of the kubelet's finds a fresh answer, and however many others ask (load balancers
# with dozens of nodes do), what is checked is asked once a second.
_KEPT_S = 1.0

_OK, _FAILED, _TIMED_OUT = "ok", "failed", "timed out"
_READY, _NOT_READY, _STARTING, _STOPPING = "ready", "not ready", "starting", "shutting down"


class _Asked:
    """One check, and its last task: never a second one beside a first that does not end."""

    def __init__(self, name: str, check: ReadyCheck) -> None:
        self.name = name
        self._check = check
        self._task: asyncio.Task[object] | None = None

    def ask(self) -> asyncio.Task[object] | None:
        """Begin to ask; None where the last time has not ended yet, although it was cancelled."""
        if self._task is not None and not self._task.done():
            return None
        self._task = asyncio.create_task(_awaited(self._check))
        return self._task

    def forget(self) -> None:
        """Forget the task of an event loop that is gone."""
        self._task = None


async def _awaited(check: ReadyCheck) -> object:
    return await check()


class Readiness:
    """The probes of one application: on one event loop at a time."""

    def __init__(
        self, probes: Probes, gauge: Gauge, shadowed: Callable[[str], bool], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.drain_s = probes.drain_s
        self._probes = probes
        self._gauge = gauge
        self._shadowed = shadowed
        self._clock = clock
        self._checks = [_Asked(name, check) for name, check in probes.ready.items()]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._drain: Drain | None = None
        self._phase = _READY  # where the server runs no lifespan, the API has started with its first request
        self._round: asyncio.Task[dict[str, str]] | None = None
        self._kept_until_s = 0.0
        self._seldom = Seldom(every_s=60.0)

    @property
    def answers(self) -> Mapping[str, Application]:
        """The paths, and who answers them."""
        return {self._probes.alive_path: self.alive, self._probes.ready_path: self.ready}

    @property
    def serving(self) -> bool:
        """Whether requests may be on their way here."""
        return self._phase == _READY

    def end_service(self) -> None:
        """Be unready from now on."""
        self._phase = _STOPPING

    async def alive(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer that the event loop answers."""
        self._attend()
        await _send(scope, send, 200, {"status": "alive"})

    async def ready(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer whether the API is ready."""
        self._attend()
        states = await self._states() if self.serving else {}
        # Asked for again: SIGTERM may have come while the checks ran.
        status = self._phase if not self.serving or set(states.values()) <= {_OK} else _NOT_READY
        await _send(scope, send, 200 if status == _READY else 503, {"status": status, "checks": states})

    def lifespan(self, app: Application) -> Application:
        """Return *app*, whose lifespan is watched: it is unready before the start is over, and from the end on."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            self._attend()
            self._phase, failed = _STARTING, False

            async def sending(message: Message) -> None:
                nonlocal failed
                if message["type"] == "lifespan.startup.complete":
                    self._phase = _READY
                failed = failed or message["type"] == "lifespan.startup.failed"
                await send(message)

            try:
                await app(scope, receive, sending)
            except Exception:
                # Where it knows no lifespan, a server may go on without.
                self._phase = _READY if self._phase == _STARTING and not failed else _STOPPING
                raise
            else:
                self._phase = _STOPPING
            finally:
                self._leave()

        return watched

    def _attend(self) -> None:
        """Begin on the running event loop, unless that was done."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        self._loop, self._round = loop, None
        for check in self._checks:
            check.forget()
        try:
            for path in filter(self._shadowed, self.answers):
                _log.warning(
                    "%s is answered by Probes, and not by the route that the app has there: remove it, or give Probes a path", path
                )
            self._drain = drain(self) if self.drain_s else None
        except Exception:  # noqa: BLE001 - whatever is wrong with us must not become the API's fault
            _log.exception("SIGTERM does not wait until the pod is known to be unready")

    def _leave(self) -> None:
        if self._drain is not None:
            self._drain.leave(self)
        self._loop = self._drain = None

    async def _states(self) -> dict[str, str]:
        """Return the state of each check, asked for within the last second; who asks meanwhile waits for the same answers."""
        if self._round is None or (self._round.done() and self._clock() >= self._kept_until_s):
            self._round = asyncio.create_task(self._ask())
        # A prober that goes away must not cancel what others wait for.
        return await asyncio.shield(self._round)

    async def _ask(self) -> dict[str, str]:
        asked = {check.name: check.ask() for check in self._checks}
        if tasks := [task for task in asked.values() if task is not None]:
            await asyncio.wait(tasks, timeout=self._probes.time_limit_s)
        states = {name: self._state(name, task) for name, task in asked.items()}
        self._kept_until_s = self._clock() + _KEPT_S
        self._note(states)
        return states

    def _note(self, states: Mapping[str, str]) -> None:
        try:
            for name, state in states.items():
                self._gauge.labels(name).set(1 if state == _OK else 0)
        except Exception:  # noqa: BLE001 - a full disk of metrics must not take the pod out of service
            if self._seldom.due("", self._clock()):
                _log.exception("could not note what the readiness checks said")

    def _state(self, name: str, task: asyncio.Task[object] | None) -> str:
        if task is None or not task.done():
            if task is not None:
                task.cancel()
                task.add_done_callback(_taken_note_of)
            if self._seldom.due((name, _TIMED_OUT), self._clock()):
                _log.warning("readiness check %r has no result after %g s", name, self._probes.time_limit_s)
            return _TIMED_OUT
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None and task.result() is not False:
            return _OK
        if self._seldom.due((name, _FAILED), self._clock()):
            _log.warning("readiness check %r failed", name, exc_info=error)
        return _FAILED


def _taken_note_of(task: asyncio.Task[object]) -> None:
    """Take the exception of a task that nobody waits for any more, so that asyncio does not report it."""
    if not task.cancelled():
        task.exception()


async def _send(scope: Scope, send: Send, status: int, answer: Mapping[str, object]) -> None:
    body = json.dumps(answer).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else body})
