"""What a request took: an ASGI middleware around all others, which also gives the worker its chance to begin and to end."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from apituner.fastapi.routes import RouteTable, path_of
from apituner.fastapi.signals import Signals

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# The methods that HTTP names; a client may send any word, and must not make a series of it.
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})

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

    def __init__(self, app: Application, *, signals: Signals, routes: RouteTable, worker: Attended, exclude: frozenset[str]) -> None:
        self.app = app
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
        since_s = time.perf_counter()
        active.inc()

        def finish(code: int) -> None:
            nonlocal finished
            if not finished:
                finished = True
                active.dec()
                route = self._routes.template(path, scope["method"])
                self._signals.request_duration.labels(method, route, str(code)).observe(time.perf_counter() - since_s)

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)
            # The answer ends here; what follows (background tasks, dependencies being closed) the client does not wait for.
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if last or message["type"] == "http.response.pathsend":
                finish(status or _CLIENT_GONE)

        try:
            await self.app(scope, receive, observed_send)
        except Exception:
            finish(status or 500)
            raise
        finally:
            finish(status or _CLIENT_GONE)
