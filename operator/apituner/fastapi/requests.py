"""What a request took: an ASGI middleware around all others, which also gives the worker its chance to begin and to end."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from apituner.fastapi.routes import RouteTable, path_of
from apituner.fastapi.signals import Signals
from apituner.fastapi.statements import Operations, of_this_request

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# The methods that HTTP names; a client may send any word, and must not make a series of it.
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})

# Machines that keep their time by NTP are nearer to each other than this, and no proxy holds a request for longer than that.
_CLOCK_SKEW_S = 1.0
_LONGEST_QUEUE_S = 600.0

# As proxies write it: the client went away before there was an answer.
_CLIENT_GONE = 499


class Attended(Protocol):
    """What begins with the first scope on an event loop, and ends with the application's lifespan."""

    def attend(self) -> None:
        """Begin, unless already begun on this event loop; cheap enough for every request."""

    def leave(self) -> None:
        """End."""


class RequestMiddleware:
    """Measures every HTTP request but the excluded ones: probes and scrapes would dilute what users feel."""

    def __init__(  # noqa: PLR0913 - what it measures with
        self,
        app: Application,
        *,
        signals: Signals,
        routes: RouteTable,
        worker: Attended,
        exclude: frozenset[str],
        trust_request_start: bool = False,
        count_operations: bool = False,
    ) -> None:
        self.app = app
        self._trust_request_start = trust_request_start
        self._count_operations = count_operations
        self._signals = signals
        self._routes = routes
        self._worker = worker
        self._exclude = exclude

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scope: a request, a WebSocket, or the application's lifespan."""
        self._worker.attend()
        if scope["type"] == "lifespan":
            try:
                await self.app(scope, receive, send)
            finally:
                self._worker.leave()
        elif scope["type"] == "http" and (path := path_of(scope)) not in self._exclude:
            await self._measured(path, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _measured(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        active = self._signals.active_requests.labels(method)
        status: int | None = None
        finished = False
        operations = Operations() if self._count_operations else None
        since_s = time.perf_counter()
        active.inc()
        if self._trust_request_start and (queued_s := queue_time_s(scope, time.time())) is not None:
            self._signals.request_queue.observe(queued_s)

        def finish(code: int) -> None:
            nonlocal finished
            if not finished:
                finished = True
                active.dec()
                route = self._routes.template(path, scope["method"])
                self._signals.request_duration.labels(method, route, str(code)).observe(time.perf_counter() - since_s)
                if operations is not None:
                    self._signals.operations_per_request.observe(operations.count)

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)
            # The answer ends here; what follows (background tasks, dependencies being closed) the client does not wait for.
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if last or message["type"] == "http.response.pathsend":
                finish(status or _CLIENT_GONE)

        outer = of_this_request.set(operations)
        try:
            await self.app(scope, receive, observed_send)
        except Exception:
            finish(status or 500)
            raise
        finally:
            of_this_request.reset(outer)
            finish(status or _CLIENT_GONE)


def queue_time_s(scope: Scope, now: float) -> float | None:
    """
    Return how long before *now* (since the epoch) the proxy took the request in, by its X-Request-Start; None without one that makes sense.

    Proxies write ``t=`` or nothing before it, and seconds, milliseconds or microseconds: of these only one is a time of our age.
    """
    for name, value in scope.get("headers", ()):
        if name == b"x-request-start":
            try:
                start = float(value.removeprefix(b"t="))
            except ValueError:
                return None
            for unit in (1.0, 1e3, 1e6):
                # Clocks of two machines differ by a little: slightly in the future is now.
                if -_CLOCK_SKEW_S <= (queued_s := now - start / unit) <= _LONGEST_QUEUE_S:
                    return max(0.0, queued_s)
            return None
    return None
