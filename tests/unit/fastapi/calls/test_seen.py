"""Every request that leaves is one call, whichever library sends it, from its first byte to the last one of its response."""

import asyncio
import gc
import ssl
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from apituner.fastapi import http_client
from apituner.fastapi.calls.libraries import Calls
from services import Service, serving

_CALL = "http_client_request_duration_seconds"

# Made once: it takes some 20 ms.
_TLS = ssl.create_default_context()

Sender = Callable[[str, float | None], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[Service, Service]]:
    """A service on 127.0.0.1, and another on 127.0.0.2."""
    with serving() as one, serving("127.0.0.2") as other:
        yield one, other


@pytest.fixture
def service(services: tuple[Service, Service]) -> Service:
    """The one on 127.0.0.1."""
    return services[0]


async def _by_httpx(url: str, limit_s: float | None) -> None:
    async with httpx.AsyncClient(timeout=limit_s, verify=_TLS, follow_redirects=True) as client:
        await client.get(url)


async def _by_sync_httpx(url: str, limit_s: float | None) -> None:
    def get() -> None:
        with httpx.Client(timeout=limit_s, verify=_TLS, follow_redirects=True) as client:
            client.get(url)

    await asyncio.to_thread(get)


async def _by_aiohttp(url: str, limit_s: float | None) -> None:
    async with aiohttp.ClientSession() as session, session.get(url, timeout=aiohttp.ClientTimeout(total=limit_s)) as response:
        await response.read()


async def _by_requests(url: str, limit_s: float | None) -> None:
    with requests.Session() as session:
        await asyncio.to_thread(session.get, url, timeout=limit_s)


async def _by_urllib3(url: str, limit_s: float | None) -> None:
    with urllib3.PoolManager() as pools:
        retries = urllib3.Retry(connect=0, read=0, redirect=1)
        response = await asyncio.to_thread(pools.request, "GET", url, timeout=limit_s, retries=retries, preload_content=False)
        await asyncio.to_thread(response.read)


_SENDERS = [
    pytest.param(_by_httpx, id="httpx"),
    pytest.param(_by_sync_httpx, id="httpx, sync"),
    pytest.param(_by_aiohttp, id="aiohttp"),
    pytest.param(_by_requests, id="requests"),
    pytest.param(_by_urllib3, id="urllib3"),
]


def _noted(calls: Calls) -> list[tuple[str, int, str]]:
    """Take what was noted: host, status and error of each call."""
    noted = [(host, status, error) for host, status, _, error in calls._watch.noted]
    calls._watch.noted.clear()
    return noted


@pytest.mark.parametrize("send", _SENDERS)
@pytest.mark.parametrize(
    ("noted", "path"),
    [
        pytest.param([("127.0.0.1", 200, "")], "/ok", id="an answer"),
        pytest.param([("127.0.0.1", 204, "")], "/empty", id="an answer without a body"),
        pytest.param([("127.0.0.1", 503, "")], "/status?code=503", id="a refusal is an answer"),
        pytest.param([("127.0.0.1", 302, ""), ("127.0.0.2", 200, "")], "/redirect?to={other}/ok", id="a redirect is two calls"),
        pytest.param([("127.0.0.1", 200, "other")], "/half", id="a body that breaks off"),
        pytest.param([("127.0.0.1", 0, "timeout")], "/hang", id="silence"),
        pytest.param([("127.0.0.1", 0, "other")], "/garbage", id="what is no HTTP"),
    ],
)
async def test_a_call_is_noted(
    send: Sender, noted: list[tuple[str, int, str]], path: str, calls: Calls, services: tuple[Service, Service]
) -> None:
    """By its host, its status and what went wrong."""
    service, other = services
    with suppress(Exception):
        await send(service.url + path.format(other=other.url), 0.05)
    assert noted == _noted(calls)


@pytest.mark.parametrize("send", _SENDERS)
async def test_nobody_there_is_no_connection(send: Sender, calls: Calls, service: Service) -> None:
    """A refused connection is told from a time-out: nothing listens on this address, at this port."""
    with suppress(Exception):
        await send(service.url.replace("127.0.0.1", "127.0.0.9"), 1)
    assert [("127.0.0.9", 0, "connect")] == _noted(calls)


@pytest.mark.parametrize("send", _SENDERS)
async def test_a_call_lasts_to_the_end_of_its_body(send: Sender, calls: Calls, service: Service) -> None:
    """The head is there at once, the last of four bytes after 40 ms."""
    since_s = time.perf_counter()
    await send(f"{service.url}/drip?n=4&s=0.01", 1)
    took_s = time.perf_counter() - since_s
    (_, _, seconds, _) = calls._watch.noted[-1]
    assert 0.04 <= seconds <= took_s


@pytest.mark.parametrize("send", _SENDERS)
async def test_a_call_without_a_limit_is_named(send: Sender, calls: Calls, service: Service) -> None:
    """Also one that ends."""
    await send(f"{service.url}/ok", 1)
    assert not calls._watch.unlimited
    await send(f"{service.url}/ok", None)
    assert [(None, "127.0.0.1")] == list(calls._watch.unlimited)


@pytest.mark.parametrize("send", [sender for sender in _SENDERS if sender.id in ("httpx", "aiohttp")])
@pytest.mark.parametrize("path", [pytest.param("/hang", id="before the answer"), pytest.param("/drip?n=9&s=0.02", id="within its body")])
async def test_a_cancelled_call_is_over(send: Sender, path: str, calls: Calls, service: Service) -> None:
    """It failed neither by the host nor by a limit of the client."""
    sent = asyncio.create_task(send(service.url + path, 1))
    await asyncio.sleep(0.05)
    sent.cancel()
    with suppress(asyncio.CancelledError):
        await sent
    assert [(0 if path == "/hang" else 200, "cancelled")] == [call[1:] for call in _noted(calls)]


async def test_a_total_limit_of_aiohttp_is_a_timeout_also_within_a_body(calls: Calls, service: Service) -> None:
    """The library cancels the reader, and the reader alone."""
    with pytest.raises(TimeoutError):
        await _by_aiohttp(f"{service.url}/drip?n=9&s=0.02", 0.05)
    assert [("127.0.0.1", 200, "timeout")] == _noted(calls)


@pytest.mark.parametrize(
    ("limited", "limit"),
    [
        pytest.param(True, httpx.Timeout(1), id="of httpx: all"),
        pytest.param(True, httpx.Timeout(None, read=1), id="of httpx: to read"),
        pytest.param(False, httpx.Timeout(1, read=None), id="of httpx: none to read, and a silent service is waited for"),
        pytest.param(True, aiohttp.ClientTimeout(sock_read=1), id="of aiohttp: to read"),
        pytest.param(False, aiohttp.ClientTimeout(connect=1), id="of aiohttp: to connect alone"),
        pytest.param(False, aiohttp.ClientTimeout(total=0), id="of aiohttp: zero means for ever"),
        pytest.param(True, (None, 1), id="of requests: to read"),
        pytest.param(False, (1, None), id="of requests: to connect alone"),
        pytest.param(True, urllib3.Timeout(total=1), id="of urllib3: in all"),
        pytest.param(False, urllib3.Timeout(connect=1), id="of urllib3: to connect alone"),
    ],
)
async def test_what_is_a_limit(
    limited: bool,  # noqa: FBT001 - an expectation
    limit: httpx.Timeout | aiohttp.ClientTimeout | urllib3.Timeout | tuple[float | None, float | None],
    calls: Calls,
    service: Service,
) -> None:
    """Whatever ends a call to a service that keeps silent."""
    url = f"{service.url}/ok"
    if isinstance(limit, httpx.Timeout):
        async with httpx.AsyncClient(timeout=limit, verify=_TLS) as client:
            await client.get(url)
    elif isinstance(limit, aiohttp.ClientTimeout):
        async with aiohttp.ClientSession(timeout=limit) as session, session.get(url):
            """Nothing to read."""
    elif isinstance(limit, tuple):
        await asyncio.to_thread(requests.get, url, timeout=limit)
    else:
        with urllib3.PoolManager(timeout=limit) as pools:
            await asyncio.to_thread(pools.request, "GET", url)
    assert limited == (not calls._watch.unlimited)


async def test_a_response_that_is_never_read_is_a_call(calls: Calls, service: Service) -> None:
    """It is over when it is thrown away."""
    async with httpx.AsyncClient(verify=_TLS) as client:
        response = await client.send(client.build_request("GET", f"{service.url}/drip?n=9&s=0.02"), stream=True)
        assert not _noted(calls)
        del response
        gc.collect()
        assert [("127.0.0.1", 200, "")] == _noted(calls)


async def test_a_reader_who_has_enough_is_no_error(calls: Calls, service: Service) -> None:
    """The response is closed in the middle, by its reader."""
    url = f"{service.url}/drip?n=9&s=0.01"
    async with httpx.AsyncClient(verify=_TLS) as client, client.stream("GET", url) as response:
        async for _ in response.aiter_raw():
            break
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        await answer.content.readany()
    with await asyncio.to_thread(requests.get, url, timeout=1, stream=True) as answered:
        next(answered.iter_content(1))
    assert [("127.0.0.1", 200, "")] * 3 == _noted(calls)


async def test_a_client_that_is_closed_while_somebody_reads_ends_the_call(calls: Calls, service: Service) -> None:
    """The reader gets an error, and the call one end."""
    async with httpx.AsyncClient(verify=_TLS) as client:
        response = await client.send(client.build_request("GET", f"{service.url}/drip?n=9&s=0.02"), stream=True)
        await client.aclose()
        with suppress(httpx.TransportError, httpx.StreamError):
            await response.aread()
        await response.aclose()
    assert [("127.0.0.1", 200)] == [call[:2] for call in _noted(calls)]


async def test_the_retries_of_urllib3_are_calls_of_their_own(calls: Calls, service: Service) -> None:
    """Requests' usual recipe for retries: the last answer is told by the exception alone."""
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=urllib3.Retry(2, status_forcelist=[503])))
        await asyncio.to_thread(session.get, f"{service.url}/recovers", timeout=1)
        assert [("127.0.0.1", 503, ""), ("127.0.0.1", 200, "")] == _noted(calls)
        with pytest.raises(requests.exceptions.RetryError):
            await asyncio.to_thread(session.get, f"{service.url}/status?code=503", timeout=1)
        with pytest.raises(requests.ConnectionError):
            await asyncio.to_thread(session.get, service.url.replace("127.0.0.1", "127.0.0.9"), timeout=1)
    assert [("127.0.0.1", 503, "")] * 3 + [("127.0.0.9", 0, "connect")] * 3 == _noted(calls)


@pytest.mark.parametrize(
    ("noted", "path", "options"),
    [
        pytest.param([(302, ""), (302, "")], "/redirect?to=/redirect", {"max_redirects": 2}, id="one redirect too many is not followed"),
        pytest.param([(302, "")], "/redirect", {}, id="a redirect that leads nowhere is the answer"),
        pytest.param([(302, "")], "/redirect?to=ftp://elsewhere/", {}, id="a redirect out of HTTP is not followed"),
        pytest.param([(500, "")], "/status?code=500", {"raise_for_status": True}, id="an answer that raises is an answer"),
    ],
)
async def test_aiohttp_tells_only_what_was_sent(
    noted: list[tuple[int, str]], path: str, options: dict[str, int], calls: Calls, service: Service
) -> None:
    """Its exceptions also tell of requests that were never sent."""
    async with aiohttp.ClientSession() as session:
        with suppress(aiohttp.ClientError):
            async with session.get(service.url + path, **options):  # type: ignore[arg-type]  # of several kinds
                """Nothing to read."""
    assert noted == [call[1:] for call in _noted(calls)]


async def test_sessions_and_clients_of_before_are_seen(service: Service, request: pytest.FixtureRequest) -> None:
    """An application may make its clients before it is instrumented; a session's own tracing stays."""
    told: list[str] = []

    async def on_start(_session: object, _context: object, params: aiohttp.TraceRequestStartParams) -> None:
        told.append(params.method)

    own = aiohttp.TraceConfig()
    own.on_request_start.append(on_start)
    async with httpx.AsyncClient(verify=_TLS) as client, aiohttp.ClientSession(trace_configs=[own]) as session:
        calls: Calls = request.getfixturevalue("calls")
        await client.get(f"{service.url}/ok")
        for _ in range(2):
            async with session.get(f"{service.url}/ok") as response:
                await response.read()
    assert [("127.0.0.1", 200, "")] * 3 == _noted(calls)
    assert told == ["GET", "GET"]


async def test_a_call_by_a_proxy_is_one_to_the_service(calls: Calls, service: Service) -> None:
    """The proxy is on the way, and no service that anybody means."""
    url = "http://payments.invalid/ok"
    async with httpx.AsyncClient(proxy=service.url, verify=_TLS) as client:
        await client.get(url)
    async with aiohttp.ClientSession() as session, session.get(url, proxy=service.url):
        """Nothing to read."""
    await asyncio.to_thread(requests.get, url, timeout=1, proxies={"http": service.url})
    assert [("payments.invalid", 200, "")] * 3 == _noted(calls)


async def test_a_limit_of_our_own_client_is_a_timeout(calls: Calls, service: Service) -> None:
    """Although httpx itself sees no more than a reader who has enough."""
    async with http_client(timeout=0.03, verify=_TLS) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(f"{service.url}/drip?n=9&s=0.01")
    assert [("127.0.0.1", 200, "timeout")] == _noted(calls)


def test_another_event_loop_goes_on(calls: Calls, service: Service) -> None:
    """A closed loop takes nothing along."""

    async def call() -> None:
        async with http_client(verify=_TLS) as client:
            await client.get(f"{service.url}/ok")
        await _by_aiohttp(f"{service.url}/ok", 1)

    asyncio.run(call())
    asyncio.run(call())
    assert [("127.0.0.1", 200, "")] * 4 == _noted(calls)


async def test_what_has_no_network_is_no_call(calls: Calls) -> None:
    """A test's transport, and one that asks an application of this process."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        await client.get("http://payments/")
    assert not _noted(calls)


def test_a_library_is_watched_once(calls: Calls) -> None:
    """However often it is looked for."""
    watched = httpx.AsyncHTTPTransport.handle_async_request
    calls.look()
    assert watched is httpx.AsyncHTTPTransport.handle_async_request
