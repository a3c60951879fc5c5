"""The probes in real servers: what a kubelet and a load balancer see while a check hangs, and while a pod ends."""

import asyncio
import json
import signal
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from e2e.defaults_server import GRANIAN, GUNICORN, HYPERCORN, SECRET, UVICORN, Api, eventually, served

_DRAIN_S = 1.5
# uvicorn's parent looks for signals twice a second.
_TOLD_WITHIN_S = 1.0


async def _asked_while(api: Api, seconds: float) -> Counter[int]:
    """Ask forty times a second, each time on a new connection, as through a load balancer; count the statuses."""
    statuses: Counter[int] = Counter()
    async with httpx.AsyncClient(base_url=api.url, headers={"connection": "close"}, timeout=10) as client:

        async def ask() -> None:
            try:
                statuses[(await client.get("/orders/1")).status_code] += 1
            except httpx.TransportError:
                statuses[0] += 1

        async with asyncio.TaskGroup() as asked:
            until_s = time.monotonic() + seconds
            while time.monotonic() < until_s:
                asked.create_task(ask())
                await asyncio.sleep(0.025)
    return statuses


async def _unready_since_s(api: Api, seconds: float) -> list[tuple[float, int]]:
    """Probe twenty times a second; return when, and what was answered."""
    begun_s, seen = time.monotonic(), []
    async with httpx.AsyncClient(base_url=api.url, headers={"connection": "close"}, timeout=10) as client:
        while (at_s := time.monotonic() - begun_s) < seconds:
            seen.append((at_s, (await client.get("/readyz")).status_code))
            await asyncio.sleep(0.05)
    return seen


@pytest.mark.parametrize(
    ("command", "workers", "exit_code"),
    [
        # Its own doing, with or without a drain: it raises the signal again when all is done.
        pytest.param(UVICORN, 1, -signal.SIGTERM, id="uvicorn, one worker"),
        pytest.param(UVICORN, 3, 0, id="uvicorn, three workers"),
        pytest.param(GUNICORN, 2, 0, id="gunicorn, two workers"),
    ],
)
async def test_a_pod_is_unready_before_it_stops(tmp_path: Path, command: str, workers: int, exit_code: int) -> None:
    """Told to stop under load: unready at once, every request answered during the drain, and then it is gone."""
    with served(tmp_path, command, workers=workers, DRAIN_S=str(_DRAIN_S)) as api:
        async with httpx.AsyncClient(base_url=api.url, timeout=10) as client:
            under_way = asyncio.create_task(client.get("/slow", params={"seconds": _DRAIN_S + 0.7}))
            before = await _asked_while(api, 0.3)
            api.process.send_signal(signal.SIGTERM)
            told_s = time.monotonic()
            during, probed = await asyncio.gather(_asked_while(api, _DRAIN_S - 0.3), _unready_since_s(api, _DRAIN_S - 0.3))
            assert (await under_way).json() == "done"
        assert exit_code == await asyncio.to_thread(api.exit_code, told_s + _DRAIN_S + 2 - time.monotonic())
    assert set(before) == set(during) == {200}
    assert sum(during.values()) > 10
    first_s = next(at_s for at_s, status in probed if status == 503)
    assert first_s < _TOLD_WITHIN_S
    assert {status for at_s, status in probed if at_s > _TOLD_WITHIN_S} == {503}


def test_a_check_that_hangs_is_named_in_time_and_forgotten_when_it_is_well(tmp_path: Path) -> None:
    """The probe answers within the check's time limit; why it failed is in the log alone."""
    with served(tmp_path) as api:
        for state, told in (("silent", "timed out"), ("broken", "failed")):
            api.database.write_text(state)
            eventually(lambda: api.status("/readyz") == 503, "the probe to see it")
            since_s = time.monotonic()
            answer = httpx.get(f"{api.url}/readyz")
            assert time.monotonic() - since_s < 1
            assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "checks": {"database": told}})
            assert SECRET not in json.dumps(answer.json())
            assert api.series("apituning_ready") == {("database",): 0}
            assert (api.status("/healthz"), api.status("/orders/1")) == (200, 200)
            api.database.write_text("well")
            eventually(lambda: api.status("/readyz") == 200, "the probe to see that it is well")
        assert api.series("apituning_ready") == {("database",): 1}
        assert "readiness check 'database' has no result after 0.3 s" in api.log.read_text()
        assert f"password of {SECRET} refused" in api.log.read_text()
        assert {route for _, _, route in api.series("http_server_request_duration_seconds_count")} == {"/orders/{order_id}"}


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, id="SIGTERM"), pytest.param(signal.SIGINT, id="Ctrl-C")])
def test_a_second_signal_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    """Who asks twice does not want to wait."""
    with served(tmp_path, DRAIN_S="60") as api:
        api.process.send_signal(signal.SIGTERM)
        eventually(lambda: api.status("/readyz") == 503, "the drain to begin")
        api.process.send_signal(number)
        api.exit_code(3)


def test_a_pod_that_has_not_started_yet_stops_as_it_would(tmp_path: Path) -> None:
    """There is nobody for whom to wait: uvicorn ends when the start is over."""
    with served(tmp_path, ready=False, START_S="1", DRAIN_S="60") as api:
        eventually(api.database.with_suffix(".started").exists, "the start to begin")
        api.process.send_signal(signal.SIGTERM)
        api.exit_code(4)


@pytest.mark.parametrize("command", [pytest.param(GRANIAN, id="granian"), pytest.param(HYPERCORN, id="hypercorn")])
def test_a_server_that_cannot_be_made_to_wait_says_so(tmp_path: Path, command: str) -> None:
    """It stops at once, as it always did; the log says what to do instead."""
    with served(tmp_path, command, DRAIN_S="60") as api:
        assert "give the pod a preStop sleep, and Probes drain_s=0" in api.log.read_text()
        api.process.send_signal(signal.SIGTERM)
        assert api.exit_code(10) == 0
