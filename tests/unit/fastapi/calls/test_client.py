"""The client that is ready to use: it gives up in time, tries again within its budget, and leaves a service alone that is down."""

import asyncio
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi import http_client
from apituner.fastapi.calls.hosts import MOST_SERVICES, Hosts
from apituner.fastapi.calls.transports import CircuitOpen
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.spans import current

_URL = "http://payments:8000/charge"

Answer = httpx.Response | BaseException


class _World:
    """Services that answer what the test says, and a clock that nobody waits for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_000_000.0
        self.pauses: list[float] = []
        self.asked: list[httpx.Request] = []
        self.answer: Callable[[httpx.Request], Answer] = lambda _: httpx.Response(200)
        self.signals = Signals(CollectorRegistry())
        self.hosts = Hosts()
        self.hosts.signals = self.signals
        clock = SimpleNamespace(time=lambda: self.now_s, perf_counter=lambda: self.now_s, sleep=self._sleep)
        for module in (
            "purgatory.domain.model",
            "apituner.fastapi.calls.hosts",
            "apituner.fastapi.calls.transports",
            "httpx_retries.retry",
        ):
            monkeypatch.setattr(f"{module}.time", clock)
        monkeypatch.setattr("apituner.fastapi.calls.httpx_bodies.time", clock)
        monkeypatch.setattr("httpx_retries.retry.asyncio", SimpleNamespace(sleep=self._asleep))
        monkeypatch.setattr("apituner.fastapi.calls.transports.HOSTS", self.hosts)
        self.client = http_client(transport=httpx.MockTransport(self._answer))

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds

    async def _asleep(self, seconds: float) -> None:
        self._sleep(seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answer(request)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def answers(self, *answers: Answer | int) -> None:
        """Give these answers, one after the other, and then the last for ever."""
        left = [httpx.Response(one) if isinstance(one, int) else one for one in answers]

        def answer(_: httpx.Request) -> Answer:
            given = left.pop(0) if len(left) > 1 else left[0]
            return httpx.Response(given.status_code, headers=given.headers) if isinstance(given, httpx.Response) else given

        self.answer = answer

    async def post(self, url: str = _URL) -> int | str:
        """Ask once, without retries; return the status, or the name of the error."""
        try:
            return (await self.client.post(url)).status_code
        except httpx.HTTPError as error:
            return type(error).__name__

    async def fail(self, times: int) -> None:
        """Let the service fail."""
        self.answers(503)
        assert [503] * times == [await self.post() for _ in range(times)]

    def value(self, name: str, **labels: str) -> float:
        """Read one series; 0 where there is none."""
        self.hosts.count()
        self.signals.tallies.count()
        self.hosts.publish()
        return self.signals.registry.get_sample_value(f"apituning_http_client_{name}", {"server_address": "payments", **labels}) or 0


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> _World:
    """A world in good times."""
    return _World(monkeypatch)


@pytest.fixture
def answering() -> Iterator[SimpleNamespace]:
    """Answer a request that has both ids."""
    headers = [(b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), (b"tracestate", b"vendor=1")]
    exchange = SimpleNamespace(
        request_id="order-7", trace_id="0af7651916cd43dd8448eb211c80319c", scope={"headers": headers}, spans=[], finished=False
    )
    outer = current.set(exchange)  # type: ignore[arg-type]  # as much of one as is looked at
    yield exchange
    current.reset(outer)


@pytest.mark.parametrize(
    ("attempts", "method", "answer"),
    [
        pytest.param(3, "GET", 503, id="unavailable"),
        pytest.param(3, "GET", 502, id="a bad gateway"),
        pytest.param(3, "GET", 504, id="a gateway that waited too long"),
        pytest.param(3, "GET", 429, id="too many requests"),
        pytest.param(3, "GET", httpx.ReadTimeout("silence"), id="a time-out"),
        pytest.param(3, "PUT", httpx.ConnectError("refused"), id="no connection, for a method that may be repeated"),
        pytest.param(3, "DELETE", httpx.RemoteProtocolError("hung up"), id="a broken connection"),
        pytest.param(1, "POST", 503, id="a method that may not be repeated"),
        pytest.param(1, "PATCH", httpx.ConnectError("refused"), id="another"),
        pytest.param(1, "GET", 500, id="a bug of the service would be there again"),
        pytest.param(1, "GET", 404, id="what is not there does not come by asking"),
        pytest.param(1, "GET", httpx.PoolTimeout("all in use"), id="more requests do not free a connection"),
        pytest.param(1, "GET", httpx.UnsupportedProtocol("ftp"), id="what was never sent is wrong again"),
    ],
)
async def test_what_may_help_is_tried_again(attempts: int, method: str, answer: Answer | int, world: _World) -> None:
    """Two times at most, if the method is idempotent."""
    world.answers(answer)
    with suppress(httpx.HTTPError):
        await world.client.request(method, _URL)
    assert attempts == len(world.asked)
    assert attempts - 1 == world.value("retries_total")


async def test_pauses_are_drawn_and_grow(world: _World) -> None:
    """Up to 0.2 s and up to 0.4 s, and hardly ever the same: who failed together does not come back together."""
    world.answers(429)
    for _ in range(5):
        await world.client.get(_URL)
    first, second = world.pauses[::2], world.pauses[1::2]
    assert 0 < min(first) <= max(first) <= 0.2 < max(second) <= 0.4
    assert len({*world.pauses}) == 10


@pytest.mark.parametrize(
    ("pauses", "after"),
    [
        pytest.param([3.0, 3.0], "3", id="as it asks"),
        pytest.param([], "6", id="longer than anybody would wait: it is not asked again"),
        pytest.param([], "9" * 5000, id="for ever"),
        pytest.param([], "Fri, 31 Dec 2100 23:59:59 GMT", id="until then"),
    ],
)
async def test_a_service_may_ask_for_a_pause(pauses: list[float], after: str, world: _World) -> None:
    """By its header Retry-After."""
    world.answers(httpx.Response(503, headers={"Retry-After": after}))
    assert (await world.client.get(_URL)).status_code == 503
    assert pauses == world.pauses


async def test_a_pause_that_nobody_understands_is_ours(world: _World) -> None:
    """A service may write anything."""
    world.answers(httpx.Response(503, headers={"Retry-After": "soon"}), 200)
    assert (await world.client.get(_URL)).status_code == 200
    assert 0 < world.pauses[0] <= 0.2


async def test_a_body_that_is_a_stream_is_sent_once(world: _World) -> None:
    """The second attempt would send nothing, or fail for a reason of its own."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"part"

    world.answers(503)
    assert (await world.client.put(_URL, content=parts())).status_code == 503
    assert len(world.asked) == 1
    assert (await world.client.put(_URL, content=b"whole")).status_code == 503
    assert len(world.asked) == 4


async def test_an_outage_is_not_multiplied(world: _World) -> None:
    """Of a thousand requests within an instant at most a tenth are sent again, and the ten that were saved up."""
    world.answers(httpx.Response(429))
    began_s = world.now_s
    for _ in range(1000):
        await world.client.get(_URL)
    retries = len(world.asked) - 1000
    passed_s = world.now_s - began_s
    assert 100 <= retries <= 10 + 100 + passed_s
    assert retries == world.value("retries_total")
    # Each request ends with a retry that was denied, but for those that had both of theirs.
    assert 1000 - retries / 2 <= world.value("retries_denied_total") < 1000


@pytest.mark.parametrize(
    ("opens", "answer"),
    [
        pytest.param(True, 502, id="a bad gateway"),
        pytest.param(True, 503, id="unavailable"),
        pytest.param(True, 504, id="a gateway that waited too long"),
        pytest.param(True, httpx.ConnectError("refused"), id="no connection"),
        pytest.param(True, httpx.ConnectTimeout("dropped"), id="no connection in time"),
        pytest.param(True, httpx.ReadTimeout("silence"), id="silence"),
        pytest.param(True, httpx.RemoteProtocolError("hung up"), id="a broken connection"),
        pytest.param(False, 500, id="a bug on one path"),
        pytest.param(False, 429, id="too many requests, for us to change"),
        pytest.param(False, 404, id="not found"),
        pytest.param(False, httpx.PoolTimeout("all in use"), id="no connection of our own free"),
        pytest.param(False, httpx.UnsupportedProtocol("ftp"), id="a request that is wrong"),
    ],
)
async def test_what_opens_the_breaker(opens: bool, answer: Answer | int, world: _World) -> None:  # noqa: FBT001 - an expectation
    """Five in a row that tell of the service, and not of the request or of ourselves."""
    world.answers(answer)
    for _ in range(5):
        await world.post()
    assert opens == (await world.post() == "CircuitOpen")
    assert (5 if opens else 6) == len(world.asked)


async def test_a_body_that_breaks_off_opens_the_breaker(world: _World) -> None:
    """The head alone is no success."""

    class _Broken(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"half"
            raise httpx.RemoteProtocolError("hung up")

    world.answer = lambda _: httpx.Response(200, stream=_Broken())
    assert ["RemoteProtocolError"] * 5 + ["CircuitOpen"] == [await world.post() for _ in range(6)]


async def test_one_success_begins_the_count_anew(world: _World) -> None:
    """Only failures in a row count."""
    for _ in range(3):
        await world.fail(4)
        world.answers(200)
        assert await world.post() == 200


async def test_a_breaker_opens_tries_and_closes(world: _World) -> None:
    """Open for 5 s, in which nothing is sent; then one attempt, whose failure opens it again and whose success closes it."""
    await world.fail(5)
    asked = len(world.asked)
    assert world.value("breaker_state") == 2
    assert ["CircuitOpen"] * 3 == [await world.post() for _ in range(3)]
    world.now_s += 5.1
    assert world.value("breaker_state") == 1
    assert [503, "CircuitOpen"] == [await world.post() for _ in range(2)]
    world.now_s += 5.1
    world.answers(200)
    assert [200] * 3 == [await world.post() for _ in range(3)]
    assert world.value("breaker_state") == 0
    assert len(world.asked) - asked == 4
    assert [4, 3, 6] == [world.value("attempts_total", outcome=outcome) for outcome in ("rejected", "success", "failure")]


async def test_one_attempt_at_a_time_tries_a_service_that_may_be_back(world: _World) -> None:
    """A service that hangs would else take in everybody who comes by; and one attempt that never ends must not keep all others out."""
    await world.fail(5)
    world.now_s += 5.1
    (service,) = world.hosts._services.values()
    assert service.attempt() is not None  # and it never ends
    assert await world.post() == "CircuitOpen"
    world.now_s += 5.1
    world.answers(200)
    assert await world.post() == 200
    assert world.value("breaker_state") == 0


async def test_an_answer_of_before_says_nothing_of_now(world: _World) -> None:
    """A long download that began in good times ends well, and the breaker stays as it is."""
    world.answers(200)
    (await world.client.get(_URL)).raise_for_status()
    (service,) = world.hosts._services.values()
    before = service.attempt()
    assert before is not None
    await world.fail(5)
    world.now_s += 5.1
    assert service.attempt() is not None
    before.end("success")
    assert world.value("breaker_state") == 1


async def test_a_cancelled_attempt_says_nothing(world: _World) -> None:
    """Neither for the service nor against it, and the next one may try."""
    await world.fail(5)
    world.now_s += 5.1
    world.answers(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await world.client.post(_URL)
    assert world.value("breaker_state") == 1
    world.answers(200)
    assert await world.post() == 200
    assert world.value("attempts_total", outcome="unknown") == 1


async def test_an_open_breaker_is_not_retried(world: _World) -> None:
    """It fails at once, as httpx's own errors do, and says whom it protects."""
    await world.fail(5)
    with pytest.raises(httpx.TransportError, match="payments is not called: its last 5 attempts failed"):
        await world.client.get(_URL)
    assert not world.pauses


async def test_who_opens_the_breaker_gets_the_answer_that_did(world: _World) -> None:
    """And not the news that a retry was not sent."""
    await world.fail(4)
    assert (await world.client.get(_URL)).status_code == 503
    assert len(world.asked) == 5


async def test_an_open_breaker_keeps_nobody_alive(world: _World) -> None:
    """The library's own exception would grow by the frames of every caller that it turns away."""
    await world.fail(5)
    depths = []
    for _ in range(3):
        try:
            await world.client.post(_URL)
        except CircuitOpen as error:
            depths.append(len(traceback.extract_tb(error.__traceback__)))
    assert depths == depths[:1] * 3


async def test_a_service_is_a_host_with_its_port(world: _World) -> None:
    """Two on one host have a breaker each; the state that is told is the worse one."""
    await world.fail(5)
    world.answers(200)
    assert await world.post("http://payments:9000/") == 200
    assert await world.post() == "CircuitOpen"
    assert world.value("breaker_state") == 2


async def test_all_clients_of_a_process_know_what_one_has_learnt(world: _World) -> None:
    """Many an application makes a client for each request."""
    await world.fail(5)
    async with http_client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as another:
        with pytest.raises(CircuitOpen):
            await another.get(_URL)


async def test_a_redirect_is_judged_by_its_own_service(world: _World) -> None:
    """The one that sends elsewhere is well, the one where it leads is not."""
    world.answer = lambda request: (
        httpx.Response(302, headers={"Location": "http://ledger/"}) if request.url.host == "payments" else httpx.Response(503)
    )
    for _ in range(2):
        assert (await world.client.get(_URL, follow_redirects=True)).status_code == 503
    assert [2, 0] == [world.value("attempts_total", outcome=outcome) for outcome in ("success", "failure")]
    assert world.value("retries_total") == 0
    assert world.value("attempts_total", server_address="ledger", outcome="failure") == 5


async def test_ten_thousand_services_are_not_remembered(world: _World) -> None:
    """The one that is called again and again is."""
    await world.fail(5)
    world.answers(200)
    for number in range(2 * MOST_SERVICES):
        await world.client.post(f"http://host-{number}/")
        if number % 500 == 0:
            assert await world.post() == "CircuitOpen"
    assert len(world.hosts._services) == MOST_SERVICES
    world.hosts._services.clear()
    assert world.value("breaker_state") == 0


async def test_a_body_that_drips_ends_in_time(world: _World) -> None:
    """Each part comes in time; the whole takes longer than twice the limit for a part."""

    class _Drips(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                world.now_s += 0.9
                yield b"."

    world.answer = lambda _: httpx.Response(200, stream=_Drips())
    began_s = world.now_s
    with pytest.raises(httpx.ReadTimeout, match="came too slowly"):
        await world.client.get(_URL, timeout=1)
    assert 2 < world.now_s - began_s < 3
    assert world.value("attempts_total", outcome="failure") == 1
    async with world.client.stream("GET", _URL, timeout=httpx.Timeout(1, read=None)) as events:
        seen = 0
        async for _ in events.aiter_raw():
            if (seen := seen + 1) == 100:
                break
    assert world.value("attempts_total", outcome="success") == 1


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        pytest.param(
            {"x-request-id": "order-7", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, {}, id="as it came"
        ),
        pytest.param(
            {"x-request-id": "mine", "traceparent": "00-mine"}, {"X-Request-ID": "mine", "Traceparent": "00-mine"}, id="or as set"
        ),
    ],
)
async def test_the_called_service_knows_the_request(
    sent: dict[str, str], given: dict[str, str], world: _World, answering: SimpleNamespace
) -> None:
    """By the ids of the one that is being answered."""
    assert answering.request_id
    await world.client.get(_URL, headers=given)
    headers = world.asked[0].headers
    assert sent == {name: headers[name] for name in sent}
    assert headers.get("tracestate") == (None if given else "vendor=1")


async def test_what_has_no_name_is_given_none(world: _World, answering: SimpleNamespace) -> None:
    """No id, no header; and a trace that the request did not bring is not begun in its name."""
    answering.request_id, answering.scope = "", {"headers": []}
    await world.client.get(_URL)
    current.set(None)
    await world.client.get(_URL)
    for request in world.asked:
        assert not {"x-request-id", "traceparent", "tracestate"} & {*request.headers}


def test_a_sync_client_does_the_same(world: _World) -> None:
    """For handlers written with ``def``; the breaker is the same one."""
    world.answers(503, 200)
    with http_client(sync=True, transport=httpx.MockTransport(world._answer)) as client:
        assert client.get(_URL).status_code == 200
        assert len(world.pauses) == 1
        world.answers(httpx.ReadTimeout("silence"))
        for _ in range(5):
            with suppress(httpx.ReadTimeout):
                client.post(_URL)
        with pytest.raises(CircuitOpen):
            client.post(_URL)


def test_a_sync_body_that_drips_ends_in_time(world: _World) -> None:
    """As an async one does."""

    class _Drips(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                world.now_s += 0.9
                yield b"."

    world.answer = lambda _: httpx.Response(200, stream=_Drips())
    client = http_client(sync=True, transport=httpx.MockTransport(world._answer))
    with client, pytest.raises(httpx.ReadTimeout, match="came too slowly"):
        client.get(_URL, timeout=1)


async def test_options_are_those_of_httpx() -> None:
    """Also those that belong to the transport: proxies, TLS, limits; a time limit that is given stands."""
    async with http_client(base_url="http://payments", timeout=7, proxy="http://proxy:3128") as client:
        assert str(client.base_url) == "http://payments"
        assert client.timeout == httpx.Timeout(7)
        chosen: Any = client._transport_for_url(httpx.URL("http://payments"))
        assert type(chosen._async_transport._transport._pool).__name__ == "AsyncHTTPProxy"
    async with http_client() as client:
        assert client.timeout == httpx.Timeout(5, connect=2)


async def test_a_client_works_without_instrumentation(world: _World) -> None:
    """Then nothing is counted."""
    world.hosts.signals = None
    await world.fail(5)
    assert await world.post() == "CircuitOpen"
    world.hosts.count()
    world.hosts.publish()
    assert not world.hosts.noted


async def test_a_response_that_is_thrown_away_takes_no_lock(world: _World) -> None:
    """The garbage collector may come while its thread holds one, and would wait for itself for ever."""

    class _Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"."

    world.answer = lambda _: httpx.Response(200, stream=_Endless())
    response = await world.client.send(world.client.build_request("GET", _URL), stream=True)
    (service,) = world.hosts._services.values()
    collector = threading.Thread(target=lambda: _collect(service, response.stream._stream), daemon=True)  # type: ignore[union-attr]  # ours
    collector.start()
    collector.join(1)
    assert not collector.is_alive()
    assert world.value("attempts_total", outcome="unknown") == 1


def _collect(service: Any, body: Any) -> None:  # noqa: ANN401 - what is private
    with service._lock:
        body.__del__()


@pytest.mark.parametrize("missing", ["httpx", "httpx_retries", "purgatory"])
def test_a_missing_library_is_one_clear_sentence(missing: str) -> None:
    """It says which extra to install; what does not use the client does not miss it."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from apituner.fastapi import http_client, instrument\n"
        "try: http_client()\n"
        "except ImportError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.startswith("http_client() needs httpx, httpx-retries and purgatory (")
    assert "pip install 'apituner[client]'" in told


def test_the_import_brings_no_client_library() -> None:
    """An API that uses none must not pay for one."""
    code = "import sys, apituner.fastapi; print({'httpx', 'aiohttp', 'urllib3', 'requests', 'purgatory', 'httpx_retries'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "set()\n"
