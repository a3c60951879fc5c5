"""A real service on loopback, which others call: its paths say how it behaves, and it remembers what it was asked."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

# Who is hung up on goes home by then, whatever becomes of the test.
_LONGEST_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request that came."""

    at_s: float
    """When, by ``time.perf_counter``."""
    path: str
    headers: dict[str, str] = field(default_factory=dict)


class Service(ThreadingHTTPServer):
    """One service; *host* is any address of loopback, each of which is a host of its own to the caller."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str) -> None:
        super().__init__((host, 0), _Handler)
        self.asked: list[Asked] = []
        self.outage: int | None = None
        """The status that everything is answered with; None in good times."""
        self.over = threading.Event()
        self.url = f"http://{host}:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


@contextlib.contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[Service]:
    """Serve until the end of the block."""
    service = Service(host)
    thread = threading.Thread(target=lambda: service.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.over.set()
        service.shutdown()
        service.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers as the path wants: ``/slow?s=0.1`` waits, ``/drip?n=5&s=0.1`` sends parts, and so on."""

    protocol_version = "HTTP/1.1"
    timeout = _LONGEST_S
    disable_nagle_algorithm = True  # a body after its head would else wait 40 ms for the head's acknowledgement
    server: Service

    def do_GET(self) -> None:
        """Remember, and behave."""
        parts = urlsplit(self.path)
        self.server.asked.append(Asked(at_s=time.perf_counter(), path=parts.path, headers={k.lower(): v for k, v in self.headers.items()}))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.outage is not None:
            self._answer(self.server.outage, b"outage")
            return
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        getattr(self, f"_{parts.path.strip('/')}")(query)

    do_POST = do_GET  # noqa: N815 - as the base class calls it
    do_HEAD = do_GET  # noqa: N815 - likewise

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _ok(self, query: dict[str, str]) -> None:
        self._answer(200, b"x" * int(query.get("bytes", 2)))

    def _slow(self, query: dict[str, str]) -> None:
        time.sleep(float(query["s"]))
        self._answer(200, b"late")

    def _status(self, query: dict[str, str]) -> None:
        self._answer(int(query["code"]), b"", {"Retry-After": query["after"]} if "after" in query else {})

    def _recovers(self, _query: dict[str, str]) -> None:
        asked = sum(one.path == "/recovers" for one in self.server.asked)
        self._answer(503 if asked % 2 else 200, b"")

    def _garbage(self, _query: dict[str, str]) -> None:
        self.wfile.write(b"this is no HTTP\r\n\r\n")
        self.close_connection = True

    def _redirect(self, query: dict[str, str]) -> None:
        self._answer(302, b"there", {"Location": query["to"]} if "to" in query else {})

    def _empty(self, _query: dict[str, str]) -> None:
        self.send_response(204)
        self.end_headers()

    def _drip(self, query: dict[str, str]) -> None:
        self._answer(200, b"", length=int(query["n"]))
        for _ in range(int(query["n"])):
            if self.server.over.wait(float(query["s"])):
                return
            self.wfile.write(b".")

    def _half(self, _query: dict[str, str]) -> None:
        self._answer(200, b"half", length=100)
        self.close_connection = True

    def _hang(self, _query: dict[str, str]) -> None:
        self.server.over.wait(_LONGEST_S)
        self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({}), *, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
