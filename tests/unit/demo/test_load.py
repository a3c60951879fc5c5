"""The load comes when it is due, and what it measures is what a client feels."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo.answers import Answer, percentile, read_answers, summarize
from demo.discovery import fixed_pods, serves
from demo.load import Load, Phase, Route


def _answer(t: float, latency_s: float = 0.1, *, failed: bool = False) -> Answer:
    return Answer(t=t, latency_s=latency_s, sent_late_s=0.0, status=200, failed=failed, route="/", pod="a")


def _due(phases: Sequence[Phase], until_s: float, seed: int = 1) -> list[float]:
    load = Load(fixed_pods({}), [Route(path="/")], phases, print, seed=seed)
    due, now_s = [], 0.0
    while (now_s := load._next(now_s)) < until_s:
        due.append(now_s)
    return due


def test_arrivals_have_their_rate_in_every_phase() -> None:
    """100 a second, a pause, then 400 a second: within four standard deviations of a Poisson count."""
    due = _due([Phase(rps=100), Phase(since_s=100, rps=0), Phase(since_s=200, rps=400)], until_s=300)
    counts = [sum(start <= at < start + 100 for at in due) for start in (0, 100, 200)]
    assert abs(counts[0] - 10_000) < 4 * math.sqrt(10_000)
    assert counts[1] == 0
    assert abs(counts[2] - 40_000) < 4 * math.sqrt(40_000)


def test_the_same_seed_is_the_same_load() -> None:
    """Runs can be compared, since their requests come at the same instants."""
    assert _due([Phase(rps=50)], 10, seed=7) == _due([Phase(rps=50)], 10, seed=7)
    assert _due([Phase(rps=50)], 10, seed=7) != _due([Phase(rps=50)], 10, seed=8)


@pytest.mark.parametrize(
    ("expected", "values", "percent"),
    [
        pytest.param(95, range(1, 101), 95, id="95 of 100 values do not exceed the 95th"),
        pytest.param(3, [1, 2, 3], 95, id="the largest of few"),
        pytest.param(2, [3, 2, 1], 50, id="the middle, in any order"),
    ],
)
def test_a_percentile_is_a_value_that_was_seen(expected: float, values: Sequence[float], percent: float) -> None:
    """Nearest rank: no value is invented between two."""
    assert expected == percentile(list(values), percent)


def test_of_nothing_there_is_no_percentile() -> None:
    """No requests are not fast requests."""
    assert math.isnan(summarize([]).p95_s)
    assert str(summarize([])) == "0 requests, 0 failed, p50/p95/p99 -/-/- ms"


def test_answers_are_read_back_by_time(tmp_path: Path) -> None:
    """From an instant to before another, without a line that is still being written."""
    file = tmp_path / "requests.jsonl"
    file.write_text("".join(_answer(t).line() for t in (1, 2, 3)) + _answer(2).line()[:20], encoding="utf-8")
    assert [answer.t for answer in read_answers(file, since=2, until=3)] == [2]
    assert str(summarize([_answer(1, 0.2), _answer(1, 0.4, failed=True)])) == "2 requests, 1 failed, p50/p95/p99 200/400/400 ms"


@pytest.mark.parametrize(
    ("expected", "metadata", "status"),
    [
        pytest.param(True, {}, {"podIP": "127.1.0.1", "conditions": [{"type": "Ready", "status": "True"}]}, id="a ready pod"),
        pytest.param(False, {}, {"podIP": "127.1.0.1", "conditions": [{"type": "Ready", "status": "False"}]}, id="not ready"),
        pytest.param(False, {}, {"podIP": "127.1.0.1"}, id="nothing known of it"),
        pytest.param(False, {}, {"conditions": [{"type": "Ready", "status": "True"}]}, id="no address"),
        pytest.param(
            False,
            {"deletionTimestamp": "2026-01-01"},
            {"podIP": "127.1.0.1", "conditions": [{"type": "Ready", "status": "True"}]},
            id="terminating, though still ready",
        ),
    ],
)
def test_only_pods_that_a_service_would_choose_get_requests(expected: bool, metadata: dict[str, str], status: dict[str, object]) -> None:  # noqa: FBT001
    """Ready, addressed, and not on the way out."""
    assert expected is serves({"metadata": metadata, "status": status})


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """A server with a route that answers, one that fails, and one that never answers."""
    app = web.Application()

    async def never(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async def fails(_request: web.Request) -> web.Response:
        return web.Response(status=503)

    async def answers(_request: web.Request) -> web.Response:
        return web.Response(text="here")

    app.router.add_get("/never", never)
    app.router.add_get("/fails", fails)
    app.router.add_get("/orders/{n}", answers)
    made = TestServer(app, host="127.0.0.1")
    await made.start_server()
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("status", "failed", "path"),
    [
        pytest.param(200, False, "/orders/{n}", id="answered"),
        pytest.param(503, True, "/fails", id="turned away"),
        pytest.param(404, False, "/nowhere", id="the client's own mistake"),
        pytest.param(0, True, "/never", id="no answer in time"),
    ],
)
async def test_every_request_is_recorded_once(server: TestServer, status: int, failed: bool, path: str) -> None:  # noqa: FBT001
    """With its status, 0 for none; one that fails counts with the time until it failed."""
    seen: list[Answer] = []
    load = Load(fixed_pods({"a": "127.0.0.1"}), [Route(path=path)], [Phase(rps=500)], seen.append, port=server.port or 0, timeout_s=0.1)
    await load.run(asyncio.Event(), seconds=0.05)
    assert seen
    assert {(status, failed, "a", path)} == {(answer.status, answer.failed, answer.pod, answer.route) for answer in seen}
    assert all(answer.latency_s >= answer.sent_late_s for answer in seen)
    if status == 0:
        assert all(0.09 < answer.latency_s < 1 for answer in seen)


async def test_without_a_ready_pod_a_request_fails_at_once() -> None:
    """Nobody to send it to is an outage that clients feel, not an interval without requests."""
    seen: list[Answer] = []
    await Load(fixed_pods({}), [Route(path="/")], [Phase(rps=500)], seen.append).run(asyncio.Event(), seconds=0.05)
    assert seen
    assert {(True, "")} == {(answer.failed, answer.pod) for answer in seen}


async def test_requests_take_turns_among_the_pods_and_the_end_is_prompt(server: TestServer) -> None:
    """As a round-robin balancer; a stop needs no further request to be noticed."""
    seen: list[Answer] = []
    stop = asyncio.Event()

    def record(answer: Answer) -> None:
        seen.append(answer)
        if len(seen) == 4:
            stop.set()

    pods = fixed_pods({"a": "127.0.0.1", "b": "127.0.0.1"})
    await Load(pods, [Route(path="/orders/{n}")], [Phase(rps=500)], record, port=server.port or 0).run(stop)
    assert {"a", "b"} == {answer.pod for answer in seen}
