"""A small HTTP server on loopback that misbehaves as a test wants."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from apituner.prometheus.client import Endpoint

# For servers that never answer; all others get time enough on any machine.
DEADLINE_S = 0.1
PATIENCE_S = 10.0
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
        self.deadline_s = DEADLINE_S if behave in (hangs, drips) else PATIENCE_S
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
        return Endpoint(**{"url": url, "deadline_s": self.deadline_s, "most_bytes": MOST_BYTES, **changes})  # type: ignore[arg-type]  # a test's own words


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


def says_two_lengths(handler: Handler) -> None:
    """Send a length that is two."""
    handler.send_response(200)
    handler.send_header("Content-Length", "5, 6")
    handler.end_headers()
    handler.wfile.write(b"123456")
