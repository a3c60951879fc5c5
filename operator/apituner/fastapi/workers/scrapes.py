"""
Answers scrapes over HTTP, each in a thread of its own, and none for ever.

Bounded, since it lives in the API's process: so many at once, so long each. Where there are more the one that is there the longest has to
go: a scrape takes milliseconds, so that one is no scrape, or its reader is too slow to be of use.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from apituner.fastapi.settings import MetricsAddress
from apituner.fastapi.workers.forks import not_for_children

_log = logging.getLogger("apituner.fastapi")

_PATH = "/metrics"

# Two Prometheus that scrape at once, a person who looks, and as many again.
_MOST_AT_ONCE = 8

# As long as Prometheus waits unless told otherwise (scrape_timeout).
_LONGEST_S = 10.0

# How long a connection that had to go may take to be gone: it is about to write, or adds up the workers' values.
_TO_BE_GONE_S = 0.5


class ScrapeServer(ThreadingHTTPServer):
    """Listens at an address, and answers what *collect* returns. Raises OSError where the address cannot be taken."""

    daemon_threads = True
    # How long a wait for the next scrape lasts before the end, and those that take too long, are looked for.
    timeout = 0.2
    # Connections that the system keeps until they are taken: the base class's 5 are few where several come at once.
    request_queue_size = 32

    def __init__(self, address: MetricsAddress, collect: Callable[[], CollectorRegistry], *, shared: bool) -> None:
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self.collect = collect
        self._shared = shared
        self._closed = threading.Event()
        self._places = threading.Semaphore(_MOST_AT_ONCE)
        self._began_s: dict[socket.socket, float] = {}
        super().__init__((address.host, address.port), _Scrape)

    def server_bind(self) -> None:
        """Take the address; the base class would look its name up in the DNS. With several workers each binds the port, any may answer."""
        not_for_children(self.socket)
        if self._shared and hasattr(socket, "SO_REUSEPORT"):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept a connection."""
        try:
            return super().get_request()
        except OSError:
            # Out of files, most likely: the connection stays, and to look for it again at once would take a CPU.
            self._closed.wait(self.timeout)
            raise

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]  # this one has TCP only
        """Answer in a thread, if there is a place for it."""
        if not self._places.acquire(blocking=False):
            for longest_there in list(self._began_s)[:1]:
                self._end(longest_there)
            if not self._places.acquire(timeout=_TO_BE_GONE_S):
                super().shutdown_request(request)
                return
        self._began_s[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]  # likewise
        """Close a connection, and give its place back."""
        super().shutdown_request(request)
        if self._began_s.pop(request, None) is not None:
            self._places.release()

    def end_overdue(self, *, longest_s: float = _LONGEST_S) -> None:
        """End those that took longer than *longest_s*, whatever they are at."""
        now_s = time.monotonic()
        for request, began_s in list(self._began_s.items()):
            if now_s - began_s > longest_s:
                self._end(request)

    def close(self) -> None:
        """Take no more connections, and end the wait for one: the event loop waits for this."""
        self._closed.set()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """Let those finish that are under way, if they are quick, and end the others."""
        until_s = time.monotonic() + _TO_BE_GONE_S
        while self._began_s and time.monotonic() < until_s:
            time.sleep(0.01)
        self.end_overdue(longest_s=0.0)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base class's signature
        """A scrape that broke off is no news: there will be another."""
        _log.debug("a scrape by %s broke off", client_address, exc_info=True)

    def _end(self, request: socket.socket) -> None:
        with suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)


class _Scrape(BaseHTTPRequestHandler):
    """Answers one scrape in the format that it asks for."""

    server_version, sys_version = "apituner", ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != _PATH:
            self._answer(HTTPStatus.NOT_FOUND, f"the metrics are at {_PATH}\n".encode())
            return
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        try:
            body = encode(cast("ScrapeServer", self.server).collect())
        except Exception:  # noqa: BLE001 - whatever is wrong, Prometheus is told that it is
            _log.exception("could not collect the metrics of this process")
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"the metrics could not be collected: the API's log says why\n")
            return
        self._answer(HTTPStatus.OK, body, content_type)

    do_HEAD = do_GET  # noqa: N815 - http.server looks for these names

    def refuse(self) -> None:
        """Answer a method that changes something."""
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, b"metrics can only be read: GET or HEAD\n", allow="GET, HEAD")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = refuse  # noqa: N815 - likewise

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str = "text/plain; charset=utf-8", *, allow: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if allow:
            self.send_header("Allow", allow)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A scrape every few seconds is no news."""
