"""The metrics port answers whoever asks, and nobody can keep it or make it grow."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter

from apituner.fastapi.settings import MetricsAddress
from apituner.fastapi.workers.scrapes import ScrapeServer
from apituner.fastapi.workers.serving import MetricsServer

_THREADS_AT_MOST = 8


@pytest.fixture(scope="module")
def server() -> Iterator[MetricsServer]:
    """A metrics port with one counter."""
    registry = CollectorRegistry()
    Counter("requests", "What there was.", registry=registry)
    served = MetricsServer(MetricsAddress(host="127.0.0.1", port=0), lambda: registry, shared=True)
    served.start()
    yield served
    served.stop()


def _connect(server: MetricsServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port or 0), timeout=5)


def _all(connection: socket.socket) -> bytes:
    answer = b""
    while part := connection.recv(65536):
        answer += part
    return answer


def _ask(server: MetricsServer, request: bytes) -> tuple[int, bytes, bytes]:
    """Send a request; return the status, the headers and the body of the answer."""
    with _connect(server) as connection:
        connection.sendall(request)
        head, _, body = _all(connection).partition(b"\r\n\r\n")
        return int(head.split()[1]), head, body


def _request(line: str, *headers: str) -> bytes:
    return "\r\n".join([line, "Host: orders", *headers, "", ""]).encode()


_GET = _request("GET /metrics HTTP/1.1")


@pytest.mark.parametrize(
    ("status", "says", "request_"),
    [
        pytest.param(200, b"requests_total 0.0", _GET, id="a scrape"),
        pytest.param(200, b"requests_total 0.0", _request("GET /metrics?name[]=up HTTP/1.1"), id="a scrape with a query"),
        pytest.param(200, b"# EOF", _request("GET /metrics HTTP/1.1", "Accept: application/openmetrics-text"), id="OpenMetrics"),
        pytest.param(200, b"", _request("HEAD /metrics HTTP/1.1"), id="HEAD has no body"),
        pytest.param(404, b"the metrics are at /metrics", _request("GET / HTTP/1.1"), id="another path"),
        pytest.param(404, b"the metrics are at /metrics", _request(f"GET /{'x' * (65_536 - 16)} HTTP/1.1"), id="a request line of 64 KiB"),
        pytest.param(405, b"GET or HEAD", _request("POST /metrics HTTP/1.1", "Content-Length: 2") + b"{}", id="POST"),
        pytest.param(501, b"", _request("BREW /metrics HTTP/1.1"), id="no method of HTTP"),
    ],
)
def test_requests_are_answered(status: int, says: bytes, request_: bytes, server: MetricsServer) -> None:
    """Only a scrape is a scrape; every other request is told why not."""
    answered, head, body = _ask(server, request_)
    assert (status, True) == (answered, says in body)
    assert b"Python" not in head
    assert (b"HEAD" not in request_) or (b"" == body and b"Content-Length: " in head)
    assert (status == 405) == (b"Allow: GET, HEAD" in head)


def test_a_longer_request_line_is_refused(server: MetricsServer) -> None:
    """It is not kept in memory to its end."""
    assert 414 == _ask(server, b"GET /" + b"x" * 65_535)[0]


def test_clients_that_say_nothing_keep_nobody_out(server: MetricsServer) -> None:
    """Who is there the longest has to go, and there are never more threads than a few."""
    threads = threading.active_count()
    silent = [_connect(server) for _ in range(5 * _THREADS_AT_MOST)]
    assert 200 == _ask(server, _GET)[0]
    assert threads + _THREADS_AT_MOST >= threading.active_count()
    assert b"" == silent[0].recv(1)
    for connection in silent:
        connection.close()


def test_readers_that_are_slow_keep_nobody_out() -> None:
    """What they do not read fills the system's buffers, and their threads wait."""
    registry = CollectorRegistry()
    Counter("requests", "What there was. " * 400_000, registry=registry)
    served = MetricsServer(MetricsAddress(host="127.0.0.1", port=0), lambda: registry, shared=True)
    served.start()
    slow = [socket.socket() for _ in range(_THREADS_AT_MOST)]
    for connection in slow:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", served.port))
        connection.sendall(_GET)
        assert b"HTTP" == connection.recv(4)
    assert 200 == _ask(served, _GET)[0]
    served.stop()
    for connection in slow:
        connection.close()


def test_a_scrape_does_not_take_for_ever(server: MetricsServer) -> None:
    """A client that sends a byte now and then is ended like one that sends nothing."""
    with _connect(server) as dribbling:
        dribbling.sendall(b"GET /met")
        while not _running(server)._began_s:
            pass
        _running(server).end_overdue(longest_s=0.0)
        assert b"" == _all(dribbling)


def test_stopping_waits_for_nobody() -> None:
    """A worker that ends has no time for a client that does not."""
    served = MetricsServer(MetricsAddress(host="127.0.0.1", port=0), CollectorRegistry, shared=True)
    served.start()
    with _connect(served) as silent:
        assert 200 == _ask(served, _GET)[0]
        served.stop()
        assert b"" == _all(silent)


def test_a_fault_of_ours_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Prometheus shows the status; the log has the rest."""

    def broken() -> CollectorRegistry:
        raise RuntimeError("no such thing")

    served = MetricsServer(MetricsAddress(host="127.0.0.1", port=0), broken, shared=False)
    served.start()
    assert (500, b"the metrics could not be collected: the API's log says why\n") == _ask(served, _GET)[::2]
    served.stop()
    assert "no such thing" in caplog.text


def test_an_address_of_version_6_is_served() -> None:
    """Clusters of that version alone exist."""
    served = MetricsServer(MetricsAddress(host="::1", port=0), CollectorRegistry, shared=True)
    served.start()
    with socket.create_connection(("::1", served.port or 0), timeout=5) as connection:
        connection.sendall(_GET)
        assert _all(connection).startswith(b"HTTP/1.0 200")
    served.stop()


def _running(server: MetricsServer) -> ScrapeServer:
    assert server._server is not None
    return server._server


def test_the_end_does_not_wait_for_the_next_scrape() -> None:
    """The event loop stands still until the port is free: a test suite that starts 500 apps would take minutes longer."""
    took_s = 0.0
    for _ in range(5):
        served = MetricsServer(MetricsAddress(host="127.0.0.1", port=0), CollectorRegistry, shared=False)
        served.start()
        since_s = time.perf_counter()
        served.stop()
        took_s += time.perf_counter() - since_s
    assert took_s < 0.4
