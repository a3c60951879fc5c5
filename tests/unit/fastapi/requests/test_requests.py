"""Requests are measured to their last byte, by route, and probes are not."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextvars import Context, copy_context
from pathlib import Path

import httpx
import pytest
from fastapi import BackgroundTasks, FastAPI, WebSocket
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.routing import Mount
from starlette.types import Message, Receive, Scope, Send

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.exchange import Exchange
from apituner.fastapi.requests.meter import Meter
from apituner.fastapi.requests.middleware import Practice, RequestMiddleware
from apituner.fastapi.requests.queueing import queue_time_s
from apituner.fastapi.requests.routes import RouteTable
from apituner.fastapi.requests.spans import CALL, OPERATION, current

_DURATION = "http_server_request_duration_seconds"


class _Worker:
    """Counts how often it was attended and left."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.attended = 0
        self.left = 0

    def attend(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.attended += 1

    def leave(self) -> None:
        self.left += 1


class _World:
    """An app, its measurements, and a client."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.signals = Signals(CollectorRegistry())
        self.worker = _Worker()
        self.meter = Meter(self.signals, RouteTable(lambda: self.app.routes))
        self.begun: list[Exchange] = []
        practice = Practice(
            exclude=frozenset({"/healthz"}),
            begin=(self.begun.append,),
            queue=self.signals.requests.queue.of(),
            client_gone=(ClientDisconnect,),
        )
        self.middleware = RequestMiddleware(self.app, meter=self.meter, worker=self.worker, practice=practice)

    async def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        """Send one request."""
        transport = httpx.ASGITransport(self.middleware, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://orders") as client:
            return await client.request(method, path, headers=headers)

    def value(self, name: str, **labels: str) -> float:
        """Read one series, after everything that was noted is counted; 0 where there is none."""
        self.meter.count()
        self.meter.publish()
        self.signals.tallies.count()
        return self.signals.registry.get_sample_value(name, labels) or 0

    def count(self, method: str, route: str, status: int) -> float:
        """How many requests were measured."""
        labels = {"http_request_method": method, "http_route": route, "http_response_status_code": str(status)}
        return self.value(f"{_DURATION}_count", **labels)

    def measured(self) -> float:
        """How many requests were measured at all."""
        self.value(_DURATION)
        return sum(
            sample.value for metric in self.signals.registry.collect() for sample in metric.samples if sample.name == f"{_DURATION}_count"
        )

    def active(self, method: str = "GET") -> float:
        """How many requests are being answered."""
        return self.value("http_server_active_requests", http_request_method=method)


@pytest.fixture
def world() -> _World:
    """A world in which nothing was asked yet."""
    return _World()


async def test_a_request_is_counted_by_its_route(world: _World) -> None:
    """Path parameters do not make series, nor do paths that lead nowhere."""

    @world.app.get("/orders/{order_id}")
    async def order(order_id: int) -> int:
        return order_id

    for path in ("/orders/1", "/orders/2", "/.git/config", "/wp-login.php"):
        await world.ask("GET", path)
    assert world.count("GET", "/orders/{order_id}", 200) == 2
    assert world.count("GET", "", 404) == 2
    assert world.active() == 0


async def test_probes_are_not_measured(world: _World) -> None:
    """A probe would dilute what users feel; it still shows that the loop is alive."""

    @world.app.get("/healthz")
    async def healthz() -> None:
        """Answer nothing."""

    assert (await world.ask("GET", "/healthz")).status_code == 200
    assert world.measured() == 0
    assert world.worker.attended == 1


async def test_a_method_of_the_clients_invention_makes_no_series(world: _World) -> None:
    """Any unknown method is called _OTHER, as the semantic conventions have it."""
    await world.ask("BREW", "/coffee")
    assert world.count("_OTHER", "", 404) == 1


async def test_an_exception_is_a_500(world: _World) -> None:
    """A handler that fails is measured as what its client gets."""

    @world.app.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    await world.ask("GET", "/broken")
    assert world.count("GET", "/broken", 500) == 1
    assert world.active() == 0


async def test_an_exception_outside_of_any_answer_is_a_500_too(world: _World) -> None:
    """Also where not even the server's own error page is sent."""

    async def raising(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError

    world.middleware.app = raising
    await world.ask("GET", "/broken")
    assert world.count("GET", "", 500) == 1


async def test_a_client_that_goes_away_is_counted(world: _World) -> None:
    """A request without an answer is neither lost nor left active."""

    async def silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
        """Answer nothing, as an app does whose client is gone."""

    world.middleware.app = silent

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        raise AssertionError

    await world.middleware({"type": "http", "method": "GET", "path": "/gone", "headers": []}, receive, send)
    assert world.count("GET", "", 499) == 1
    assert world.active() == 0


async def test_background_tasks_are_not_waited_for(world: _World) -> None:
    """The client has its answer before a background task begins: by then the request is measured."""
    seen = []

    @world.app.get("/mail")
    async def mail(background: BackgroundTasks) -> None:
        background.add_task(lambda: seen.append((world.count("GET", "/mail", 200), world.active())))

    await world.ask("GET", "/mail")
    assert seen == [(1, 0)]


async def test_a_stream_lasts_to_its_last_byte(world: _World) -> None:
    """While a body is being sent, its request is active and not yet measured."""
    seen = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(2):
            seen.append((world.count("GET", "/stream", 200), world.active()))
            yield b"."

    @world.app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(body())

    await world.ask("GET", "/stream")
    assert seen == [(0, 1), (0, 1)]
    assert world.count("GET", "/stream", 200) == 1


async def test_what_a_stream_asks_of_others_is_kept_in_bounded_memory(world: _World) -> None:
    """A stream of events may last for days; of what it asked for the last is charged when it is over."""
    lengths = []

    @world.app.get("/events")
    async def events() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            for _ in range(5):
                exchange = current.get()
                assert exchange is not None
                exchange.spans.extend([(CALL, 0.0, 1.0)] * 9_999)
                yield "."
                lengths.append(len(exchange.spans))

        return StreamingResponse(parts())

    await world.ask("GET", "/events")
    assert max(lengths) <= 20_000
    assert 10_000 <= world.value("apituning_external_calls_total", http_route="/events") <= 20_000


async def test_a_connection_that_is_given_back_after_the_response_is_charged_without_its_statements(world: _World) -> None:
    """FastAPI closes a dependency with yield only then; what was sent on the connection was charged with the request."""

    @world.app.get("/late")
    async def late() -> None:
        exchange = current.get()
        assert exchange is not None
        exchange.spans.extend([(OPERATION, 1.0, 3.0), (CALL, 4.0, 5.0)])
        asked.append(exchange)

    asked: list[Exchange] = []
    await world.ask("GET", "/late")
    asked[0].held_late(0.0, 10.0)
    names = {
        "held": "apituning_db_connection_hold_seconds_total",
        "unused": "apituning_db_connection_unused_seconds_total",
        "calling": "apituning_external_call_while_holding_seconds_total",
    }
    assert {"held": 10, "unused": 8, "calling": 1} == {what: world.value(name, http_route="/late") for what, name in names.items()}


async def test_the_end_of_the_lifespan_ends_the_worker(world: _World) -> None:
    """Begun with the first scope, left with the lifespan, also where that fails."""

    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(_message: Message) -> None:
        """Take no notice."""

    world.middleware.app = failing
    with pytest.raises(RuntimeError):
        await world.middleware({"type": "lifespan"}, receive, send)
    assert (world.worker.attended, world.worker.left) == (1, 1)


@pytest.mark.parametrize(
    ("expected_s", "header"),
    [
        pytest.param(2.5, b"t=1000000000.0", id="seconds"),
        pytest.param(2.5, b"1000000000000", id="milliseconds"),
        pytest.param(2.5, b"t=1000000000000000", id="microseconds"),
        pytest.param(0.0, b"t=1000000003.0", id="a clock that is slightly ahead"),
        pytest.param(None, b"t=1000000900.0", id="a time to come"),
        pytest.param(None, b"t=999990000", id="hours ago"),
        pytest.param(None, b"nan", id="no number"),
        pytest.param(None, b"yesterday", id="words"),
    ],
)
def test_the_time_in_the_proxys_queue_is_read_in_any_unit(expected_s: float | None, header: bytes) -> None:
    """What makes no sense is left out: a wrong queue time is worse than none."""
    assert expected_s == queue_time_s([(b"host", b"orders"), (b"x-request-start", header)], 1_000_000_002.5)


async def test_the_time_in_the_proxys_queue_is_measured(world: _World) -> None:
    """It is no part of the request's own."""
    await world.ask("GET", "/", **{"X-Request-Start": f"t={time.time() - 3:.3f}"})
    await world.ask("GET", "/")
    assert world.value("apituning_request_queue_time_seconds_count") == 1
    assert world.value("apituning_request_queue_time_seconds_sum") == pytest.approx(3, abs=0.5)


def test_without_the_header_there_is_no_queue_time() -> None:
    """Missing is not zero."""
    assert queue_time_s([], 1_000_000_000.0) is None


async def test_a_file_is_sent_by_its_path(world: _World, tmp_path: Path) -> None:
    """A server that sends files itself gets their path, and no body."""
    (tmp_path / "logo").write_bytes(b"." * 1000)

    @world.app.get("/logo")
    async def logo() -> FileResponse:
        return FileResponse(tmp_path / "logo")

    assert (await world.ask("GET", "/logo")).content == b"." * 1000
    assert world.count("GET", "/logo", 200) == 1


async def _converse(world: _World, scope: Scope, *received: Message) -> list[Message]:
    """Pass one scope through; what is received after *received* is that the client has gone."""
    waiting, sent = [*received], []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await world.middleware({"method": "GET", "headers": [], **scope}, receive, send)
    return sent


async def test_a_client_that_leaves_in_the_middle_of_a_stream_is_a_499(world: _World) -> None:
    """It had a 200 by then, but never the whole answer."""

    async def rows() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b"."

    @world.app.get("/rows")
    async def stream() -> StreamingResponse:
        return StreamingResponse(rows())

    request: Message = {"type": "http.request", "body": b"", "more_body": False}
    await _converse(world, {"type": "http", "path": "/rows", "query_string": b""}, request)
    assert world.count("GET", "/rows", 499) == 1
    assert world.active() == 0


async def test_a_client_that_leaves_while_its_body_is_read_is_a_499(world: _World) -> None:
    """Starlette tells it by an exception of its own, which is no error of the server."""

    @world.app.post("/upload")
    async def upload(request: Request) -> int:
        return len([chunk async for chunk in request.stream()])

    with pytest.raises(ClientDisconnect):
        await _converse(world, {"type": "http", "method": "POST", "path": "/upload", "query_string": b""})
    assert world.count("POST", "/upload", 499) == 1


async def test_an_error_after_the_first_byte_is_a_500(world: _World) -> None:
    """The client saw a 200 and half an answer: it was not served."""

    async def rows() -> AsyncIterator[bytes]:
        yield b"."
        raise RuntimeError

    @world.app.get("/rows")
    async def stream() -> StreamingResponse:
        return StreamingResponse(rows())

    await world.ask("GET", "/rows")
    assert world.count("GET", "/rows", 500) == 1


async def test_a_websocket_is_no_request(world: _World) -> None:
    """It lasts for hours: among latencies it would be an outlier, among active requests a fault."""

    @world.app.websocket("/prices")
    async def prices(socket: WebSocket) -> None:
        exchange = current.get()
        assert exchange is not None
        assert (exchange.route, exchange.finished) == ("/prices", True)  # nothing is noted of it, which for hours would add up
        await socket.accept()
        await socket.send_text(str(world.active()))
        await socket.close()

    sent = await _converse(world, {"type": "websocket", "path": "/prices", "query_string": b""}, {"type": "websocket.connect"})
    assert [message.get("text") for message in sent if message["type"] == "websocket.send"] == ["0"]
    assert [exchange.path for exchange in world.begun] == ["/prices"]  # so that it has ids in the application log
    assert world.measured() == 0


async def test_what_outlives_a_request_keeps_nothing_of_it(world: _World) -> None:
    """A cancelled timer keeps its context for a while, and a task of the application for as long as it likes; its route is still known."""
    kept: list[Context] = []
    world.app.get("/orders/{order_id}")(lambda: kept.append(copy_context()))
    await world.ask("GET", "/orders/7")
    (exchange,) = (context[current] for context in kept)
    assert exchange is not None
    assert exchange.scope == {}
    assert exchange.route == "/orders/{order_id}"
    assert await exchange.receive() == {"type": "http.disconnect"}
    with pytest.raises(RuntimeError, match="sent after the end of the response"):
        await exchange.send({"type": "http.response.trailers"})


async def test_a_mounted_app_is_measured_once(world: _World) -> None:
    """Also where it is instrumented itself; its route has the whole template."""
    inner = FastAPI()
    inner.get("/users/{user}")(lambda user: user)
    again = RequestMiddleware(inner, meter=world.meter, worker=world.worker, practice=Practice(exclude=frozenset()))
    world.app.mount("/tenants/{tenant}", Starlette(routes=[Mount("/", app=again)]))
    assert (await world.ask("GET", "/tenants/acme/users/5")).status_code == 200
    assert world.measured() == 1


async def test_bytes_are_counted_as_they_are_sent(world: _World) -> None:
    """All parts of a body together, by route."""

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"." * 1000

    @world.app.get("/parts")
    async def stream() -> StreamingResponse:
        return StreamingResponse(parts())

    await world.ask("GET", "/parts")
    assert world.value("http_server_response_body_size_bytes_sum", http_route="/parts") == 3000


async def test_a_large_body_is_over_when_the_server_has_taken_it(world: _World) -> None:
    """A slow client makes the application wait for its last part: that is a part of the request."""

    @world.app.get("/large")
    async def large() -> JSONResponse:
        return JSONResponse("." * 100_000)

    seen = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            seen.append(world.count("GET", "/large", 200))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await world.middleware({"type": "http", "method": "GET", "path": "/large", "headers": [], "query_string": b""}, receive, send)
    assert (seen, world.count("GET", "/large", 200)) == ([0], 1)


async def test_a_root_path_is_no_part_of_a_route(world: _World) -> None:
    """Behind a proxy that keeps its prefix, probes are still probes and routes are still routes."""
    world.app.get("/orders")(lambda: 1)
    for path in ("/api/orders", "/api/healthz"):
        await _converse(world, {"type": "http", "path": path, "root_path": "/api", "query_string": b""})
    assert (world.count("GET", "/orders", 200), world.measured()) == (1, 1)
