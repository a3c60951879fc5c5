"""The probes answer fast, say which check failed and never why, and cost little however often they are asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.operations.probes import Probes
from apituner.fastapi.operations.readiness import Readiness
from apituner.fastapi.requests.exchange import Message, Receive, Scope, Send

Check = Callable[[], Awaitable[object]]


async def _well() -> None:
    """Be well."""


async def _broken() -> None:
    raise ConnectionError("password tiger refused")


async def _silent() -> None:
    await asyncio.Event().wait()


class _World:
    """The probes of an API, and a clock that stands still."""

    def __init__(self, *, time_limit_s: float = 0.005, **checks: Check) -> None:
        self.now_s = 1000.0
        self.signals = Signals(CollectorRegistry())
        # No drain: it is tested where signals are.
        self.readiness = Readiness(
            Probes(ready=checks, time_limit_s=time_limit_s, drain_s=0),
            self.signals.defaults.ready,
            lambda path: path == "/readyz",
            clock=lambda: self.now_s,
        )

    async def ask(self, path: str = "/readyz", method: str = "GET") -> tuple[int, Any]:
        """Ask, as a kubelet would."""
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await self.readiness.answers[path]({"type": "http", "method": method, "path": path}, _nothing, send)
        start, body = sent
        assert dict(start["headers"])[b"cache-control"] == b"no-store"
        return start["status"], json.loads(body["body"]) if body["body"] else None

    def gauge(self, check: str) -> float | None:
        """Read the gauge of a check."""
        return self.signals.registry.get_sample_value("apituning_ready", {"check": check})


async def _nothing() -> Message:
    return {"type": "http.request"}


async def test_all_is_well() -> None:
    """The state of each check is told, and measured."""
    world = _World(database=_well, cache=_well)
    assert await world.ask() == (200, {"status": "ready", "checks": {"database": "ok", "cache": "ok"}})
    assert await world.ask("/healthz") == (200, {"status": "alive"})
    assert (world.gauge("database"), world.gauge("cache")) == (1, 1)


async def test_without_checks_it_is_ready_once_it_runs() -> None:
    """Nothing is needed, so nothing is missing."""
    assert await _World().ask() == (200, {"status": "ready", "checks": {}})


async def test_a_head_request_has_no_body() -> None:
    """As HTTP has it."""
    assert await _World().ask(method="HEAD") == (200, None)


async def test_a_check_that_fails_is_named_and_its_reason_is_not(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever may reach the port reads the answer; the reason, which may hold secrets, is in the log, once a minute."""
    world = _World(database=_broken, cache=_well)
    for _ in range(5):
        world.now_s += 1
        status, answer = await world.ask()
        assert (status, answer["checks"]) == (503, {"database": "failed", "cache": "ok"})
        assert "tiger" not in json.dumps(answer)
    assert (world.gauge("database"), world.gauge("cache")) == (0, 1)
    assert caplog.text.count("readiness check 'database' failed") == 1
    world.now_s += 60
    await world.ask()
    assert caplog.text.count("readiness check 'database' failed") == 2


async def test_a_check_that_says_false_has_failed() -> None:
    """Many a ping returns whether it was answered."""

    async def ping() -> bool:
        return False

    assert (await _World(cache=ping).ask())[0] == 503


async def test_a_check_that_hangs_is_cancelled_at_its_limit() -> None:
    """The others are not waited for any longer because of it."""
    cancelled = []

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    world = _World(database=hangs, cache=_well)
    assert await world.ask() == (503, {"status": "not ready", "checks": {"database": "timed out", "cache": "ok"}})
    await asyncio.sleep(0)
    assert cancelled == [True]


async def test_a_check_that_does_not_let_itself_be_cancelled_does_not_pile_up() -> None:
    """There is never a second task of it; when it comes back, it is asked anew."""
    begun, end = [], asyncio.Event()

    async def stubborn() -> None:
        begun.append(True)
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue
        raise ConnectionError("too late for anybody to know")

    world = _World(database=stubborn)
    for _ in range(10):
        world.now_s += 1
        assert (await world.ask())[1]["checks"] == {"database": "timed out"}
    assert begun == [True]
    end.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    world.now_s += 1
    assert (await world.ask())[1]["checks"] == {"database": "failed"}
    assert begun == [True, True]


async def test_many_probes_cost_one_check_a_second() -> None:
    """However many load balancers ask, together or one after the other."""
    asked = []

    async def database() -> None:
        asked.append(True)
        await asyncio.sleep(0)

    world = _World(database=database)
    assert {status for status, _ in await asyncio.gather(*(world.ask() for _ in range(100)))} == {200}
    world.now_s += 0.9
    await world.ask()
    assert len(asked) == 1
    world.now_s += 0.1
    await world.ask()
    assert len(asked) == 2


async def test_a_prober_that_goes_away_does_not_spoil_the_answer_for_others() -> None:
    """Both wait for the same round of checks."""
    world = _World(database=_silent, time_limit_s=0.01)
    first, second = asyncio.create_task(world.ask()), asyncio.create_task(world.ask())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second)[1]["checks"] == {"database": "timed out"}
    assert first.cancelled()


async def test_a_metric_that_cannot_be_noted_does_not_make_it_unready(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full of metrics is no reason to take a pod out of service."""
    world = _World(database=_well)

    def full(*_labels: str) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(world.signals.defaults.ready, "labels", full)
    assert (await world.ask())[0] == 200
    assert "could not note" in caplog.text


async def test_it_is_ready_from_the_end_of_the_start_to_the_begin_of_the_end() -> None:
    """While the lifespan starts, requests are not yet welcome; after it, not any more."""
    seen = []
    world = _World()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(await world.ask())
        await send({"type": "lifespan.startup.complete"})
        seen.append(await world.ask())

    await world.readiness.lifespan(app)({"type": "lifespan"}, _nothing, _swallow)
    assert [answer["status"] for _, answer in (*seen, await world.ask())] == ["starting", "ready", "shutting down"]
    assert [status for status, _ in (*seen, await world.ask())] == [503, 200, 503]


@pytest.mark.parametrize(
    ("expected", "says_so"),
    [
        pytest.param("ready", False, id="an app that knows no lifespan is served without"),
        pytest.param("shutting down", True, id="an app whose start failed is not ready"),
    ],
)
async def test_a_start_that_ends_in_an_exception(expected: str, *, says_so: bool) -> None:
    """A server may go on in the one case, and not in the other."""
    world = _World()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        if says_so:
            await send({"type": "lifespan.startup.failed", "message": "no database"})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await world.readiness.lifespan(app)({"type": "lifespan"}, _nothing, _swallow)
    assert expected == (await world.ask())[1]["status"]


async def test_a_sigterm_during_a_check_is_not_overlooked() -> None:
    """The checks hold, and yet it is not ready any more."""

    async def told_to_end() -> None:
        world.readiness.end_service()

    world = _World(database=told_to_end)
    assert await world.ask() == (503, {"status": "shutting down", "checks": {"database": "ok"}})
    assert await world.ask() == (503, {"status": "shutting down", "checks": {}})


async def test_a_route_of_the_same_path_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """The probe answers, and whoever wrote the route learns that it does not."""
    world = _World()
    await world.ask()
    await world.ask()
    assert caplog.text.count("/readyz is answered by Probes, and not by the route that the app has there") == 1
    assert "/healthz is answered" not in caplog.text


def test_each_event_loop_begins_anew() -> None:
    """A test client runs each request on a loop of its own; the tasks of an earlier one never end."""
    world = _World(database=_silent)
    for _ in range(2):
        assert asyncio.run(world.ask())[1]["checks"] == {"database": "timed out"}


async def _swallow(_message: Message) -> None:
    """Take no notice."""
