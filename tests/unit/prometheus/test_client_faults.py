"""A real server on loopback that misbehaves in every way we know: nothing it does is read as zero, and nothing it does escapes."""

import asyncio
import contextlib
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from apituner.core.policy import Objective
from apituner.core.snapshot import Absence, Unobserved
from apituner.ports import Target
from apituner.prometheus.answer import Sample
from apituner.prometheus.client import Endpoint, PrometheusSource
from apituner.prometheus.faults import Auth, BadAnswer, BadQuery, Partial, Resting, SourceFault, Unreachable
from apituner.prometheus.observer import PrometheusObserver

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DEADLINE_S = 0.2
MOST_BYTES = 64 * 1024
PASSWORD = "s3cret"  # noqa: S105 - of nobody

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers each request as the test wants, and remembers what it was asked."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        """Remember, and behave."""
        self.server.asked.append(self.path)
        self.server.sent.append(dict(self.headers))
        with contextlib.suppress(ConnectionError):
            self.server.behave(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def reply(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        """Send an answer, with a length that may be a lie."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """One misbehaving server."""

    daemon_threads = True

    def __init__(self, behave: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave = behave
        self.asked: list[str] = []
        self.sent: list[dict[str, str]] = []
        self.connections = 0
        self.gate = threading.Event()
        """Set when the test is over: whoever hangs goes home."""

    def verify_request(self, *_: object) -> bool:
        """Count connections."""
        self.connections += 1
        return True

    def endpoint(self, **changes: object) -> Endpoint:
        """Say how to ask this server."""
        url = f"http://reader:{PASSWORD}@127.0.0.1:{self.server_address[1]}/prom/"
        return Endpoint(**{"url": url, "deadline_s": DEADLINE_S, "most_bytes": MOST_BYTES, **changes})  # type: ignore[arg-type]  # a test's own words


@contextlib.contextmanager
def serving(behave: Behaviour) -> Iterator[Server]:
    """Serve until the end of the block."""
    server = Server(behave)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.shutdown()
        server.server_close()


def vector(*values: str, **more: object) -> bytes:
    """Write a whole answer with a sample for each value."""
    result = [{"metric": {"namespace": "shop", "workload": "orders", "signal": "cpu"}, "value": [1, value]} for value in values]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}, **more}).encode()


def answers(status: int, body: bytes, length: int | None = None, **headers: str) -> Behaviour:
    """Always answer the same."""
    return lambda handler: handler.reply(status, body, length, **headers)


def hangs(handler: Handler) -> None:
    """Never answer."""
    handler.server.gate.wait(5)


def drips(handler: Handler) -> None:
    """Answer a byte at a time, always soon enough for the next one."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not handler.server.gate.wait(0.03):
        handler.wfile.write(b" ")


def hangs_up(handler: Handler) -> None:
    """Close without a word."""
    handler.close_connection = True


def breaks_off_a_chunk(handler: Handler) -> None:
    """Close in the middle of a chunk."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b'40\r\n{"status":')
    handler.close_connection = True


BOMB = gzip.compress(b" " * (100 * MOST_BYTES))
FAULTS = [
    pytest.param(Unreachable, "cannot answer now (HTTP 503)", answers(503, b"down"), id="503"),
    pytest.param(Unreachable, "cannot answer now (HTTP 503)", answers(503, b"", Retry_After="3600"), id="503 that wants us to sleep"),
    pytest.param(BadAnswer, "not JSON", answers(200, b"<html>Log in</html>", Content_Type="text/html"), id="a login page"),
    pytest.param(BadAnswer, "sends us elsewhere (HTTP 302)", answers(302, b"", Location="http://127.0.0.1:1/login"), id="a redirect"),
    pytest.param(BadAnswer, "broke off", answers(200, vector("1")[:20], length=500, Connection="close"), id="a body shorter than told"),
    pytest.param(BadAnswer, "broke off", breaks_off_a_chunk, id="a chunk shorter than told"),
    pytest.param(BadAnswer, "not JSON", answers(200, vector("1")[:-5]), id="half a document"),
    pytest.param(Unreachable, "did not answer within 0.2 s", hangs, id="a server that hangs"),
    pytest.param(Unreachable, "did not answer within 0.2 s", drips, id="a server that drips"),
    pytest.param(Unreachable, "broke the connection off", hangs_up, id="a server that hangs up"),
    pytest.param(BadAnswer, "more than 0.0625 MiB", answers(200, vector("1") + b" " * MOST_BYTES), id="a huge body"),
    pytest.param(
        BadAnswer, "more than 0.0625 MiB", answers(200, BOMB, Content_Encoding="gzip"), id="a small body that unpacks to a huge one"
    ),
    pytest.param(BadAnswer, "no gzip", answers(200, vector("1"), Content_Encoding="gzip"), id="gzip that is none"),
    pytest.param(BadAnswer, "broke off", answers(200, gzip.compress(vector("1"))[:-12], Content_Encoding="gzip"), id="half a gzip"),
    pytest.param(BadAnswer, "not asked for", answers(200, vector("1"), Content_Encoding="br"), id="an encoding nobody asked for"),
    pytest.param(Partial, "answered in part (store down)", answers(200, vector("1", warnings=["store down"])), id="a warning"),
    pytest.param(BadAnswer, "answered a matrix", answers(200, vector("1").replace(b'"vector"', b'"matrix"')), id="a matrix"),
    pytest.param(BadQuery, "HTTP 400: parse error", answers(400, b'{"status":"error","error":"parse error"}'), id="400"),
    pytest.param(Auth, "wants other credentials (HTTP 401)", answers(401, b""), id="401"),
]


@pytest.mark.parametrize(("expected", "words", "behave"), FAULTS)
async def test_a_fault(expected: type[SourceFault], words: str, behave: Behaviour) -> None:
    """Each misbehaviour has its class and its sentence; it takes one request, no longer than the deadline, and shows no credential."""
    with serving(behave) as server:
        source = PrometheusSource("default", server.endpoint())
        with pytest.raises(SourceFault) as caught:
            async with asyncio.timeout(2 * DEADLINE_S):
                await source.ask("up", at=1.0)

    assert expected is type(caught.value)
    assert words in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert len(server.asked) == 1
    assert {expected.__name__: 1} == source.tally.queries
    assert source.tally.last_success_at is None


async def test_connection_refused() -> None:
    """A port where nobody listens is unreachable, at once."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="refuses connections"):
        await PrometheusSource("default", Endpoint(url=f"http://127.0.0.1:{port}")).ask("up", at=1.0)


async def test_a_host_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve says so: most often it is a typing error."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="does not resolve"):
        await PrometheusSource("default", Endpoint(url="http://prometheus.invalid")).ask("up", at=1.0)


@pytest.mark.parametrize("behave", [pytest.param(case.values[2], id=case.id) for case in FAULTS])
async def test_no_fault_is_read_as_zero(behave: Behaviour) -> None:
    """Through the observer every fault is an answer that says nothing is known, with the fault's sentence."""
    with serving(behave) as server:
        observer = PrometheusObserver({"default": PrometheusSource("default", server.endpoint(deadline_s=0.1))}, 60)
        (answer,) = (await observer.observe([a_target()], NOON)).values()

    assert isinstance(answer, Unobserved)
    assert answer.because.startswith("Prometheus source 'default' ")


def a_target(source: str = "default") -> Target:
    """Return a target of *source*."""
    objective = Objective(percentile=95, latency_s=0.25, error_ratio=0.01)
    return Target(namespace="shop", name=source, deployment="orders", container=None, variables=(), objective=objective, source=source)


async def test_a_good_answer() -> None:
    """Samples come out as told, NaN included; all parameters are sent, and the connection is used again."""
    with serving(answers(200, gzip.compress(vector("1.5", "NaN")), Content_Encoding="gzip")) as server:
        source = PrometheusSource("default", server.endpoint())
        await source.ask("up", at=1.25)
        first, second = await source.ask('up{a="b"}', at=1.25)

    labels = {"namespace": "shop", "workload": "orders", "signal": "cpu"}
    assert first == Sample(labels=labels, value=1.5)
    assert second.value != second.value
    asked = urlsplit(server.asked[1])
    assert asked.path == "/prom/api/v1/query"
    assert parse_qs(asked.query) == {"query": ['up{a="b"}'], "time": ["1.250"], "timeout": ["0.2s"], "limit": ["100000"]}
    assert server.connections == 1
    assert source.tally.queries == {"Success": 2}
    assert source.tally.last_success_at


async def test_an_empty_answer_is_no_zero() -> None:
    """A Prometheus that knows nothing of the API gives the advice how to be seen, not an idle API."""
    with serving(answers(200, vector())) as server:
        observer = PrometheusObserver({"default": PrometheusSource("default", server.endpoint())}, 60)
        (answer,) = (await observer.observe([a_target()], NOON)).values()

    assert isinstance(answer, Unobserved)
    assert answer.reason is Absence.NO_SERIES


async def test_one_source_does_not_touch_another() -> None:
    """While one source hangs and one does not exist, the third answers; and a sweep takes one deadline, not one a query."""
    with serving(hangs) as hanging, serving(answers(200, vector())) as good:
        sources = {"hanging": PrometheusSource("hanging", hanging.endpoint()), "good": PrometheusSource("good", good.endpoint())}
        async with asyncio.timeout(2 * DEADLINE_S):
            seen = await PrometheusObserver(sources, 60).observe([a_target("hanging"), a_target("good"), a_target("gone")], NOON)

    reasons = {target.source: answer.reason for target, answer in seen.items() if isinstance(answer, Unobserved)}
    assert reasons == {"hanging": Absence.UNREACHABLE, "good": Absence.NO_SERIES, "gone": Absence.UNKNOWN_SOURCE}
    assert "known are good, hanging" in next(
        answer.because for answer in seen.values() if isinstance(answer, Unobserved) and "gone" in answer.because
    )
    assert len(hanging.asked) == 1
    assert len(good.asked) == 5


async def test_a_source_that_fails_is_left_alone() -> None:
    """After three failures in a row it is not asked any more for a while, and the sentence says so."""
    with serving(answers(503, b"")) as server:
        source = PrometheusSource("default", server.endpoint())
        for _ in range(3):
            with pytest.raises(Unreachable, match="HTTP 503"):
                await source.ask("up", at=1.0)
        with pytest.raises(Resting, match="failed 3 times in a row"):
            await source.ask("up", at=1.0)

    assert len(server.asked) == 3
    assert source.tally.queries == {"Unreachable": 3, "Resting": 1}


async def test_a_refusal_does_not_open_the_breaker() -> None:
    """A server that says no is alive: it is asked again in every sweep, so that the way back is seen at once."""
    with serving(answers(401, b"")) as server:
        source = PrometheusSource("default", server.endpoint())
        for _ in range(4):
            with pytest.raises(Auth):
                await source.ask("up", at=1.0)

    assert len(server.asked) == 4


async def test_the_environment_and_the_home_folder_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment does not get to see our credentials."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with serving(answers(200, vector("1"))) as server:
        assert len(await PrometheusSource("default", server.endpoint()).ask("up", at=1.0)) == 1


async def test_the_token_is_read_for_every_query(tmp_path: Path) -> None:
    """A token that rotates is followed; one that cannot be read is told."""
    token = tmp_path / "token"
    with serving(answers(200, vector("1"))) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        source = PrometheusSource("default", server.endpoint(url=url, token_file=token))
        for value in ("one", "two\n"):
            token.write_text(value)
            await source.ask("up", at=1.0)
        token.unlink()
        with pytest.raises(Auth, match="token file"):
            await source.ask("up", at=1.0)

    assert [headers["Authorization"] for headers in server.sent] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("ftp://prometheus", id="another protocol"),
        pytest.param("prometheus:9090", id="no protocol"),
        pytest.param("http://", id="no host"),
        pytest.param("http://prometheus:9090/?token=x", id="with parameters"),
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    """Only http and https with a host and a path are accepted, before anything is sent."""
    with pytest.raises(ValueError, match="the address of a Prometheus must"):
        Endpoint(url=url)
