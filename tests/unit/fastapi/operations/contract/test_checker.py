"""Responses of a real app are checked beside it, counted by route and field, and told now and then."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse, StreamingResponse
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from starlette.middleware.gzip import GZipMiddleware

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.operations.contract.check import ContractCheck
from apituner.fastapi.operations.contract.checker import Checker
from apituner.fastapi.requests.exchange import Message, Receive, Scope, Send
from apituner.fastapi.requests.meter import Meter
from apituner.fastapi.requests.middleware import Practice, RequestMiddleware
from apituner.fastapi.requests.routes import RouteTable

_SECRET = "card-4929"  # noqa: S105 - what must be found nowhere


class _Worker:
    loop: asyncio.AbstractEventLoop | None = None

    def attend(self) -> None:
        self.loop = asyncio.get_running_loop()

    def leave(self) -> None:
        """Stay."""


class _AtOnce:
    """A backlog that does not wait, and has room for so many."""

    def __init__(self, work: Callable[..., None]) -> None:
        self._work = work
        self.room = 1000

    def leave(self, piece: object) -> bool:
        self.room -= 1
        if self.room >= 0:
            self._work(piece)
        return self.room >= 0


class _Order(BaseModel):
    id: int
    state: str


class _World:
    """An app, its checker, and a client."""

    def __init__(self, app: FastAPI | None = None) -> None:
        self.app = app or FastAPI()
        self.signals = Signals(CollectorRegistry())
        self.checker = Checker(self.app, ContractCheck(share=1.0, largest_bytes=10_000), self.signals)
        self.backlog = _AtOnce(self.checker.check)
        self.checker._backlog = self.backlog  # type: ignore[assignment]  # the thread has a test of its own
        self.meter = Meter(self.signals, RouteTable(lambda: self.app.routes), (self.checker.read,))
        practice = Practice(exclude=frozenset(), begin=(self.checker.sampler.begin,))
        self.middleware = RequestMiddleware(self.app, meter=self.meter, worker=_Worker(), practice=practice)

    async def ask(self, path: str, method: str = "GET", **headers: str) -> None:
        """Send a request."""
        transport = httpx.ASGITransport(self.middleware, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://orders", headers=headers) as client:
            await client.request(method, path)

    def counts(self, name: str) -> dict[tuple[str, ...], float]:
        """Read all series of a counter by the route and what else they tell."""
        self.meter.count()
        self.signals.tallies.count()
        return {
            (sample.labels["http_route"], *(value for label, value in sample.labels.items() if label != "http_route")): sample.value
            for family in self.signals.registry.collect()
            for sample in family.samples
            if sample.name == f"apituning_response_contract_{name}_total"
        }


@pytest.fixture
def world() -> _World:
    """A world in which nothing was asked yet."""
    return _World()


async def test_a_response_that_is_not_as_declared_is_named_by_route_and_field(world: _World, caplog: pytest.LogCaptureFixture) -> None:
    """And no other is; what was sent is in no series and in no line."""

    @world.app.get("/orders/{order_id}")
    async def order(order_id: int) -> _Order:
        return _Order(id=order_id, state=_SECRET)

    @world.app.get("/orders/{order_id}/raw", response_model=list[_Order])
    async def raw(order_id: int) -> JSONResponse:
        return JSONResponse([{"id": order_id, "state": "open"}, {"id": _SECRET, "state": "open"}])

    for number in range(3):
        await world.ask(f"/orders/{number}")
        await world.ask(f"/orders/{number}/raw")
    assert world.counts("checks") == {("/orders/{order_id}",): 3, ("/orders/{order_id}/raw",): 3}
    assert world.counts("violations") == {("/orders/{order_id}/raw", "$[].id"): 3}
    assert caplog.messages == [
        'a response of GET /orders/{order_id}/raw (200) is not as the OpenAPI document says: $[].id, expected type "integer"'
    ]


async def test_an_answer_that_nobody_declared_is_a_violation(world: _World) -> None:
    """A client cannot know it."""

    @world.app.get("/orders/{order_id}")
    async def order(order_id: int) -> _Order:
        raise HTTPException(404 if order_id else 500)

    @world.app.get("/export")
    async def export() -> StreamingResponse:
        return StreamingResponse(iter([b"a,b"]), media_type="text/csv")

    for path in ("/orders/1", "/orders/one", "/orders/0", "/export"):
        await world.ask(path)
    assert world.counts("violations") == {("/orders/{order_id}", "status"): 1, ("/export", "content-type"): 1}
    assert world.counts("checks") == {("/orders/{order_id}",): 2, ("/export",): 1}
    assert world.counts("skipped") == {("/orders/{order_id}", "fault"): 1}


async def test_a_compressed_response_is_read(world: _World) -> None:
    """As its client would."""
    world.app.add_middleware(GZipMiddleware, minimum_size=10)

    @world.app.get("/orders", response_model=list[_Order])
    async def orders() -> JSONResponse:
        return JSONResponse([{"id": number} for number in range(100)])

    await world.ask("/orders", accept_encoding="gzip")
    assert world.counts("violations") == {("/orders", "$[].state"): 1}


async def test_a_stream_is_checked_as_a_whole_unless_it_is_too_long(world: _World) -> None:
    """10 MB are counted as not checked."""

    async def parts(count: int) -> AsyncIterator[bytes]:
        yield b"["
        for number in range(count):
            yield b'"%d",' % number
        yield b"1]"

    @world.app.get("/numbers", response_model=list[str])
    async def numbers(count: int) -> StreamingResponse:
        return StreamingResponse(parts(count), media_type="application/json")

    await world.ask("/numbers?count=3")
    assert world.counts("violations") == {("/numbers", "$[]"): 1}
    await world.ask("/numbers?count=100000")
    assert world.counts("skipped") == {("/numbers", "size"): 1}


@pytest.mark.parametrize("how", [pytest.param("gone", id="the client went away"), pytest.param("broken", id="the app failed half-way")])
async def test_half_a_response_is_not_checked(world: _World, how: str) -> None:
    """It would be no JSON, which is nobody's fault, or one that is counted elsewhere."""

    @world.app.get("/numbers")
    async def never() -> list[int]:
        raise AssertionError

    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        scope["endpoint"] = never
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"[1,", "more_body": True})
        if how == "broken":
            raise RuntimeError
        await receive()

    world.middleware.app = half

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        """Take no notice."""

    scope: Scope = {"type": "http", "method": "GET", "path": "/numbers", "headers": []}
    if how == "broken":
        with pytest.raises(RuntimeError):
            await world.middleware(scope, receive, send)
    else:
        await world.middleware(scope, receive, send)
    assert world.counts("checks") == world.counts("violations") == world.counts("skipped") == {}


async def test_a_response_that_finds_no_room_is_counted_as_not_checked(world: _World) -> None:
    """The API does not wait for its checks."""

    @world.app.get("/orders")
    async def orders() -> list[int]:
        return []

    world.backlog.room = 1
    for _ in range(3):
        await world.ask("/orders")
    assert world.counts("checks") == {("/orders",): 1}
    assert world.counts("skipped") == {("/orders", "busy"): 2}


async def test_without_a_document_nothing_is_sampled_any_more(caplog: pytest.LogCaptureFixture) -> None:
    """The fault is told once, and then costs nothing."""
    app = FastAPI()
    asked = []

    def openapi() -> dict[str, object]:
        asked.append(True)
        raise RuntimeError("two models of one name")

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's manual has it
    world = _World(app)

    @app.get("/orders")
    async def orders() -> list[int]:
        return []

    for _ in range(3):
        await world.ask("/orders")
        world.meter.count()
    assert asked == [True]
    assert not world.checker.sampler.active
    assert world.counts("checks") == world.counts("skipped") == {}
    assert caplog.text.count("its OpenAPI document cannot be made") == 1


async def test_a_schema_that_is_none_is_told_once_and_spoils_no_request(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is wrong with a document that somebody wrote by hand."""
    app = FastAPI()
    schema = {"type": "object", "required": "all of them"}
    responses = {"200": {"content": {"application/json": {"schema": schema}}}}
    app.openapi = lambda: {"paths": {"/orders": {"get": {"responses": responses}}}}  # type: ignore[method-assign]  # as FastAPI's manual has it
    world = _World(app)

    @app.get("/orders")
    async def orders() -> dict[str, str]:
        return {"a": _SECRET}

    for _ in range(3):
        await world.ask("/orders")
    assert world.counts("skipped") == {("/orders", "error"): 3}
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("responses of GET /orders cannot be checked (")
    assert _SECRET not in caplog.text


async def test_fields_without_end_do_not_make_series_without_end(world: _World) -> None:
    """Two hundred are told apart, and all others are one."""
    names = [f"field_{number}" for number in range(300)]
    properties = {name: {"type": "integer"} for name in names}
    schema = {"properties": properties}
    responses = {"200": {"content": {"application/json": {"schema": schema}}}}
    world.app.openapi = lambda: {"paths": {"/wide": {"get": {"responses": responses}}}}  # type: ignore[method-assign]  # as FastAPI's manual has it

    @world.app.get("/wide")
    async def wide(name: str) -> dict[str, str]:
        return {name: _SECRET}

    for name in names:
        await world.ask(f"/wide?name={name}")
    seen = world.counts("violations")
    assert (len(seen), seen["/wide", "_OTHER"]) == (201, 100)
