"""A request has one name, and nobody can forge a header or a line with it."""

import asyncio
import os
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry
from starlette.responses import JSONResponse

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.operations.identity import Identity
from apituner.fastapi.requests.exchange import Exchange
from apituner.fastapi.requests.meter import Meter
from apituner.fastapi.requests.middleware import Practice, RequestMiddleware
from apituner.fastapi.requests.routes import RouteTable

_MADE = re.compile(r"[0-9a-f]{32}")
_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def _nothing(*_: object) -> None:
    """Do nothing."""


def _named(*headers: tuple[bytes, bytes], answered: bool = True) -> Exchange:
    meter = Meter(Signals(CollectorRegistry()), RouteTable(list))
    exchange = Exchange(meter, {"type": "http", "method": "GET", "headers": list(headers)}, "/", _nothing, _nothing)  # type: ignore[arg-type]  # never used
    Identity(answered=answered).begin(exchange)
    return exchange


def _answered(exchange: Exchange, *headers: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Return the headers with which a response starts to which the application gives *headers*."""
    message: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": list(headers or ((b"content-length", b"2"),))}
    exchange.send(message).close()  # type: ignore[attr-defined]  # the coroutine of `_nothing`
    given: list[tuple[bytes, bytes]] = message["headers"]
    return given


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(b"7b3c1d2e-5f6a-4b8c-9d0e-1f2a3b4c5d6e", id="a UUID"),
        pytest.param(b"01ARZ3NDEKTSV4RRFFQ69G5FAV", id="a ULID"),
        pytest.param(b"Root=1-67891233-abcdef012345678912345678", id="Amazon's"),
        pytest.param(b"x" * 128, id="as long as it may be"),
    ],
)
def test_a_name_that_a_request_brings_is_kept(given: bytes) -> None:
    """So that it is found again in the logs of whoever sent it; the response says it back."""
    exchange = _named((b"x-request-id", given))
    assert exchange.request_id == given.decode()
    assert _answered(exchange) == [(b"content-length", b"2"), (b"x-request-id", given)]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a\r\nSet-Cookie: admin=1", id="a header of its own"),
        pytest.param(b'a","status":200}\n{"logger":"access', id="a line of its own"),
        pytest.param(b"a b", id="a blank"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"x" * 129, id="too long"),
        pytest.param(b"x" * 10_000_000, id="10 MB"),
    ],
)
def test_a_name_that_could_do_harm_is_replaced(given: bytes) -> None:
    """By one that is made here."""
    assert _MADE.fullmatch(_named((b"x-request-id", given)).request_id)


def test_two_requests_have_two_names() -> None:
    """Made ones are drawn from 2^128."""
    assert _named().request_id != _named().request_id


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        pytest.param(_TRACE, f"00-{_TRACE}-00f067aa0ba902b7-01", id="as the W3C has it"),
        pytest.param(_TRACE, f"cc-{_TRACE}-00f067aa0ba902b7-01-what-the-future-brings", id="of a later version"),
        pytest.param(None, f"00-{'0' * 32}-00f067aa0ba902b7-01", id="no trace"),
        pytest.param(None, f"00-{_TRACE}-{'0' * 16}-01", id="no parent"),
        pytest.param(None, f"ff-{_TRACE}-00f067aa0ba902b7-01", id="a version that is none"),
        pytest.param(None, f"00-{_TRACE.upper()}-00f067aa0ba902b7-01", id="capital letters"),
        pytest.param(None, "gibberish", id="gibberish"),
    ],
)
def test_a_trace_is_continued(expected: str | None, given: str) -> None:
    """What is no traceparent begins a trace of its own, by the name of the request."""
    exchange = _named((b"traceparent", given.encode()))
    assert exchange.trace_id == (expected or exchange.request_id)


def test_the_active_trace_of_a_tracing_library_comes_first() -> None:
    """Its spans and these logs must be found by one id; its span begins after the request and before the response."""
    exchange = _named((b"traceparent", f"00-{_TRACE}-00f067aa0ba902b7-01".encode()))
    with TracerProvider().get_tracer("orders").start_as_current_span("GET /orders") as span:
        _answered(exchange)
    assert exchange.trace_id == trace.format_trace_id(span.get_span_context().trace_id)


def test_a_response_is_left_alone_where_only_logs_want_ids() -> None:
    """A header is added by its own switch."""
    assert _answered(_named(answered=False)) == [(b"content-length", b"2")]


def test_a_name_that_the_application_gives_is_replaced() -> None:
    """Two headers of one name would leave it to each client which counts, and the logs have ours."""
    exchange = _named((b"x-request-id", b"abc"))
    assert _answered(exchange, (b"x-request-id", b"own"), (b"etag", b"1")) == [(b"etag", b"1"), (b"x-request-id", b"abc")]


async def test_the_header_stands_in_every_response_once() -> None:
    """Also in that of a route which does not exist. Beside what the application sets itself, but in the place of a name of its own."""
    app, signals = FastAPI(), Signals(CollectorRegistry())

    @app.get("/own")
    def own() -> JSONResponse:
        response = JSONResponse({}, headers={"X-Request-ID": "own"})
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    class _Worker:
        loop: asyncio.AbstractEventLoop | None = None

        def attend(self) -> None:
            """Do nothing."""

        def leave(self) -> None:
            """Do nothing."""

    practice = Practice(exclude=frozenset(), begin=(Identity(answered=True).begin,))
    middleware = RequestMiddleware(app, meter=Meter(signals, RouteTable(list)), worker=_Worker(), practice=practice)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(middleware), base_url="http://orders") as client:
        response = await client.get("/nothing", headers={"X-Request-ID": "abc"})
        named = await client.get("/own", headers={"X-Request-ID": "abc"})
    assert (response.status_code, response.headers["x-request-id"], response.headers["content-type"]) == (404, "abc", "application/json")
    assert [named.headers.get_list(name) for name in ("x-request-id", "set-cookie")] == [
        ["abc"],
        ["a=1; Path=/; SameSite=lax", "b=2; Path=/; SameSite=lax"],
    ]


def test_a_forked_worker_gives_names_of_its_own() -> None:
    """What was drawn before the fork is drawn in every child: the same name would stand for two requests."""
    meter = Meter(Signals(CollectorRegistry()), RouteTable(list))
    identity = Identity(answered=True)

    def name() -> str:
        exchange = Exchange(meter, {"type": "http", "method": "GET", "headers": []}, "/", _nothing, _nothing)  # type: ignore[arg-type]  # never used
        identity.begin(exchange)
        return exchange.request_id

    name()
    ours, theirs = os.pipe()
    if (child := os.fork()) == 0:
        os.write(theirs, name().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(ours, 64).decode() != name()
    os.close(ours)
    os.close(theirs)
