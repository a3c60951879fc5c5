"""Calls to other services in a real server, to a real service that is slow, silent, broken or down."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster.ports import free_port
from servers import eventually
from services import serving

_CALL = "http_client_request_duration_seconds"
_CLIENT = "apituning_http_client"


def _near(seconds: float) -> object:
    """As near as the figures of both sides must be."""
    return pytest.approx(seconds, rel=0.05, abs=0.001)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    """A running API that calls whom it is told to."""

    url: str
    metrics_url: str

    async def call(self, route: str, *urls: str, **options: float) -> list[dict[str, Any]]:
        """Ask it to call all these at once; return what it tells of each: what came, and the seconds."""
        async with httpx.AsyncClient(base_url=self.url, timeout=20, limits=httpx.Limits(max_connections=None)) as client:
            answers = await asyncio.gather(*(client.get(route, params={"url": url, **options}) for url in urls))
        return [answer.raise_for_status().json() for answer in answers]

    def value(self, name: str, **labels: str) -> float:
        """Read one series; 0 where there is none."""
        families = text_string_to_metric_families(httpx.get(self.metrics_url, timeout=5).text)
        samples = (sample for family in families for sample in family.samples)
        return next((sample.value for sample in samples if sample.name == name and labels.items() == sample.labels.items()), 0)

    def eventually(self, expected: float, name: str, **labels: str) -> None:
        """Wait until a series has a value: calls are counted every 50 ms, gauges are set every 250 ms."""
        eventually(lambda: self.value(name, **labels) == expected, f"{name}{labels} to be {expected}", seconds=15)


@pytest.fixture(scope="module")
def api() -> Iterator[_Api]:
    """One API for all tests; each has hosts of its own."""
    root = Path(__file__).parents[2]
    port, metrics_port = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "e2e.calling_api:app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(root / "operator"), str(root / "tests")]),
            "APITUNING_METRICS_HOST": "127.0.0.1",
            "APITUNING_METRICS_PORT": str(metrics_port),
        },
    )
    try:
        started = _Api(url=f"http://127.0.0.1:{port}", metrics_url=f"http://127.0.0.1:{metrics_port}/metrics")
        eventually(lambda: httpx.get(f"{started.url}/readyz").is_success, "the API to be ready", seconds=15)
        eventually(lambda: _is_seen_late(started), "requests to be found, which the first call imported", seconds=15)
        yield started
    finally:
        process.terminate()
        process.wait(15)


def _is_seen_late(api: _Api) -> bool:
    httpx.get(f"{api.url}/requests", params={"url": f"http://127.0.0.99:{free_port()}/"}).raise_for_status()
    return api.value(f"{_CALL}_count", server_address="127.0.0.99", http_response_status_code="") > 0


@pytest.mark.parametrize(
    ("route", "host"),
    [
        pytest.param("/httpx", "127.0.1.1", id="httpx"),
        pytest.param("/aiohttp", "127.0.1.2", id="aiohttp"),
        pytest.param("/requests", "127.0.1.3", id="requests, in a def route"),
        pytest.param("/safe", "127.0.1.4", id="the client of apituner"),
    ],
)
async def test_the_figures_of_a_host_agree_with_what_its_callers_saw(route: str, host: str, api: _Api) -> None:
    """Of a slow service, and of one whose body drips: to the last byte, by host and by route."""
    with serving(host) as service:
        routes = {"http_route": route}
        before_s = api.value("apituning_external_call_seconds_total", **routes)
        before = api.value("apituning_external_calls_total", **routes)
        told = []
        for _ in range(3):
            told += await api.call(route, f"{service.url}/slow?s=0.1", f"{service.url}/drip?n=5&s=0.02")
        assert [200] * 6 == [answer["came"] for answer in told]
        seen_s = sum(answer["seconds"] for answer in told)
        assert seen_s > 0.6
        labels = {"server_address": host, "http_response_status_code": "200"}
        api.eventually(6, f"{_CALL}_count", **labels)
        assert api.value(f"{_CALL}_sum", **labels) == _near(seen_s)
        api.eventually(before + 6, "apituning_external_calls_total", **routes)
        assert api.value("apituning_external_call_seconds_total", **routes) - before_s == _near(seen_s)


@pytest.mark.parametrize(
    ("route", "host"),
    [
        pytest.param("/httpx", "127.0.2.1", id="httpx"),
        pytest.param("/aiohttp", "127.0.2.2", id="aiohttp"),
        pytest.param("/requests", "127.0.2.3", id="requests"),
    ],
)
async def test_what_went_wrong_is_told_by_host(route: str, host: str, api: _Api) -> None:
    """Silence, nobody there, and a body that breaks off."""
    with serving(host) as service:
        await api.call(route, f"{service.url}/hang", f"{service.url}/half", limit=0.2)
    await api.call(route, f"{service.url}/ok", limit=0.2)
    for kind in ("timeout", "connect", "other"):
        api.eventually(1, f"{_CLIENT}_errors_total", server_address=host, error_type=kind)
    api.eventually(2, f"{_CALL}_count", server_address=host, http_response_status_code="")
    assert api.value(f"{_CALL}_sum", server_address=host, http_response_status_code="") == pytest.approx(0.2, abs=0.05)


async def test_a_client_without_a_time_limit_is_named_with_host_and_route(api: _Api) -> None:
    """Of each library; calls with a limit are not."""
    with serving("127.0.3.1") as service:
        for route in ("/httpx", "/aiohttp", "/requests"):
            await api.call(route, f"{service.url}/ok", limit=0)
            api.eventually(1, "apituning_external_calls_without_timeout_total", http_route=route, server_address="127.0.3.1")
            await api.call(route, f"{service.url}/ok", limit=1)
        await api.call("/safe", f"{service.url}/ok")
        api.eventually(7, f"{_CALL}_count", server_address="127.0.3.1", http_response_status_code="200")
    for route, count in {"/httpx": 1, "/aiohttp": 1, "/requests": 1, "/safe": 0}.items():
        assert count == api.value("apituning_external_calls_without_timeout_total", http_route=route, server_address="127.0.3.1")


async def test_a_call_while_a_connection_is_held_is_told_from_one_that_is_not(api: _Api) -> None:
    """By a sync client in handlers written with def, with a pool of SQLAlchemy."""
    with serving("127.0.4.1") as service:
        seconds = {}
        for route in ("/holding", "/released"):
            (answer,) = await api.call(route, f"{service.url}/slow?s=0.3")
            seconds[route] = answer["seconds"]
            api.eventually(1, "apituning_external_calls_total", http_route=route)
            call_s = api.value("apituning_external_call_seconds_total", http_route=route)
            assert call_s == _near(seconds[route])
    holding = "apituning_external_call_while_holding_seconds_total"
    assert api.value(holding, http_route="/holding") == _near(seconds["/holding"])
    assert api.value(holding, http_route="/released") == 0
    assert api.value("apituning_db_connection_hold_seconds_total", http_route="/released") < 0.1


async def test_a_redirect_is_two_calls_to_two_hosts(api: _Api) -> None:
    """Each is charged what it took."""
    with serving("127.0.5.1") as one, serving("127.0.5.2") as other:
        await api.call("/httpx", f"{one.url}/redirect?to={other.url}/slow%3Fs=0.1")
    api.eventually(1, f"{_CALL}_count", server_address="127.0.5.1", http_response_status_code="302")
    api.eventually(1, f"{_CALL}_count", server_address="127.0.5.2", http_response_status_code="200")
    assert api.value(f"{_CALL}_sum", server_address="127.0.5.1", http_response_status_code="302") < 0.05
    assert api.value(f"{_CALL}_sum", server_address="127.0.5.2", http_response_status_code="200") >= 0.1


async def test_a_breaker_opens_fails_fast_tries_and_closes(api: _Api) -> None:
    """Its state is scraped all along; while it is open the service has its peace."""
    host = {"server_address": "127.0.6.1"}
    state = f"{_CLIENT}_breaker_state"
    with serving("127.0.6.1") as service:
        url = f"{service.url}/ok"
        assert [200] == [answer["came"] for answer in await api.call("/safe", url)]
        api.eventually(0, state, **host)
        service.outage = 503
        while len(service.asked) < 6:
            await api.call("/safe", url)
        opened_s = time.perf_counter()
        api.eventually(2, state, **host)
        asked = len(service.asked)
        told = await api.call("/safe", *[url] * 20)
        assert {"CircuitOpen"} == {answer["came"] for answer in told}
        assert max(answer["seconds"] for answer in told) < 0.05
        assert asked == len(service.asked)
        # Half open, the service is still down: one attempt, and it is open again.
        api.eventually(1, state, **host)
        assert time.perf_counter() - opened_s > 2.5
        told = await api.call("/safe", *[url] * 5)
        assert ["CircuitOpen"] * 4 == sorted(answer["came"] for answer in told if answer["came"] != 503)
        assert asked + 1 == len(service.asked)
        api.eventually(2, state, **host)
        service.outage = None
        api.eventually(1, state, **host)
        assert [200] == [answer["came"] for answer in await api.call("/safe", url)]
        api.eventually(0, state, **host)
        api.eventually(6, f"{_CLIENT}_attempts_total", outcome="failure", **host)
        api.eventually(24, f"{_CLIENT}_attempts_total", outcome="rejected", **host)
        api.eventually(2, f"{_CLIENT}_attempts_total", outcome="success", **host)


async def test_retries_stay_within_their_budget_in_a_total_outage(api: _Api) -> None:
    """A status that does not open the breaker: 400 requests, which could be 1,200 attempts."""
    host = {"server_address": "127.0.7.1"}
    with serving("127.0.7.1") as service:
        service.outage = 429
        since_s = time.perf_counter()
        for _ in range(4):
            assert {429} == {answer["came"] for answer in await api.call("/safe", *[f"{service.url}/ok"] * 100)}
        took_s = time.perf_counter() - since_s
        retries = len(service.asked) - 400
        assert 10 <= retries <= 10 + 40 + took_s
        api.eventually(retries, f"{_CLIENT}_retries_total", **host)
        assert api.value(f"{_CLIENT}_retries_denied_total", **host) >= 400 - retries / 2
        api.eventually(400 + retries, f"{_CALL}_count", http_response_status_code="429", **host)


async def test_retry_after_is_honoured(api: _Api) -> None:
    """The service is asked again after the second that it wants, and not before."""
    with serving("127.0.8.1") as service:
        (answer,) = await api.call("/safe", f"{service.url}/status?code=503&after=1")
        assert answer["came"] == 503
        first, second, third = (asked.at_s for asked in service.asked)
        assert 1 <= second - first < 1.2
        assert 1 <= third - second < 1.2
        (answer,) = await api.call("/safe", f"{service.url}/status?code=503&after=60")
        assert answer["seconds"] < 0.2
        assert len(service.asked) == 4


@pytest.mark.parametrize(
    ("within_s", "path", "came"),
    [
        pytest.param((0.3, 0.5), "/hang", "ReadTimeout", id="one that keeps silent"),
        pytest.param((0.6, 0.9), "/drip?n=100&s=0.1", "ReadTimeout", id="one that drips"),
        pytest.param((0.0, 0.2), "/half", "RemoteProtocolError", id="one that closes in the middle"),
    ],
)
async def test_a_client_with_a_limit_is_free_in_time(within_s: tuple[float, float], path: str, came: str, api: _Api) -> None:
    """0.3 s for each part, and twice that for the whole."""
    with serving("127.0.9.1") as service:
        (answer,) = await api.call("/hasty", service.url + path)
    assert came == answer["came"]
    assert within_s[0] <= answer["seconds"] < within_s[1]
