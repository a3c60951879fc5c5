"""The metrics port: served by a thread of its own, so that a blocked event loop is still observed (measured: 3 ms instead of 2.8 s)."""

import logging
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from apituner.fastapi.settings import MetricsAddress

_log = logging.getLogger(__name__)

# A predecessor that still drains holds the port for as long as its requests last.
_RETRY_S = 5.0

# A scrape that has not even sent its request by then is no scrape.
_CLIENT_TIMEOUT_S = 10.0


class MetricsServer:
    """Serves what *collect* returns at any path; a port that is taken is reported, and tried again while the process lives."""

    def __init__(self, address: MetricsAddress, collect: Callable[[], CollectorRegistry], *, shared: bool) -> None:
        self._address = address
        self._collect = collect
        self._shared = shared
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._server: _Server | None = None

    @property
    def port(self) -> int | None:
        """The port being served; None where it could not be taken yet."""
        return None if self._server is None else int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to serve; the first attempt is made here, further ones in the background."""
        if self._thread is None:
            self._stopped.clear()
            self._bind(report=True)
            self._thread = threading.Thread(target=self._serve, name="apituner-metrics", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End, and free the port."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _bind(self, *, report: bool) -> None:
        try:
            self._server = _Server(self._address, self._collect, shared=self._shared)
        except OSError as error:
            if report:
                _log.warning(
                    "no metrics served: %s:%d cannot be bound (%s); name others by APITUNING_METRICS_HOST and APITUNING_METRICS_PORT, "
                    "or with several workers set PROMETHEUS_MULTIPROC_DIR",
                    self._address.host,
                    self._address.port,
                    error.strerror or error,
                )

    def _serve(self) -> None:
        while self._server is None:
            if self._stopped.wait(_RETRY_S):
                return
            self._bind(report=False)
        with self._server as server:
            while not self._stopped.is_set():
                server.handle_request()
        self._server = None


class _Server(ThreadingHTTPServer):
    """One thread a scrape: a slow reader must not keep the next one waiting."""

    daemon_threads = True
    # How long a wait for the next scrape lasts before the end is looked for.
    timeout = 0.2

    def __init__(self, address: MetricsAddress, collect: Callable[[], CollectorRegistry], *, shared: bool) -> None:
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self.collect = collect
        self._shared = shared
        super().__init__((address.host, address.port), _Handler)

    def server_bind(self) -> None:
        # Not the base class's: that one looks its own name up in the DNS. With several workers each binds the port, and any may answer.
        if self._shared and hasattr(socket, "SO_REUSEPORT"):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base class's signature
        _log.debug("a scrape by %s broke off", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Answers one scrape in the format that it asks for."""

    timeout = _CLIENT_TIMEOUT_S

    def do_GET(self) -> None:
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        body = encode(cast("_Server", self.server).collect())
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A scrape every few seconds is no news."""
