"""The ASGI middleware around all others: it tells what is measured from what is not, and lets the worker begin and end."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from apituner.fastapi.measures.tallies import Distribution
from apituner.fastapi.requests.exchange import Application, Exchange, Receive, Scope, Send
from apituner.fastapi.requests.meter import Meter
from apituner.fastapi.requests.queueing import queue_time_s
from apituner.fastapi.requests.routes import path_of
from apituner.fastapi.requests.spans import current

_SEEN = "apituner.seen"


class Attended(Protocol):
    """What begins with the first scope on an event loop, and ends with the application's lifespan."""

    loop: asyncio.AbstractEventLoop | None
    """The event loop on which it has begun."""

    def attend(self) -> None:
        """Begin on the running event loop."""

    def leave(self) -> None:
        """End."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """What is done with requests besides measuring them."""

    exclude: frozenset[str]
    """Paths that are not measured."""
    answers: Mapping[str, Application] = field(default_factory=dict)
    """Paths among them that are answered before the application sees them: probes."""
    begin: tuple[Callable[[Exchange], None], ...] = ()
    """Who wants to know of every request that begins."""
    lifespan: Callable[[Application], Application] = lambda app: app
    """What is put around the application for its lifespan."""
    queue: Distribution | None = None
    """Where the time since X-Request-Start is noted; None where that header is not trusted."""
    client_gone: tuple[type[Exception], ...] = ()
    """The exceptions by which a framework says that the client went away."""


class RequestMiddleware:
    """Measures every HTTP request but the excluded ones: probes and scrapes would dilute what users feel."""

    def __init__(self, app: Application, *, meter: Meter, worker: Attended, practice: Practice) -> None:
        self.app = app
        self._meter = meter
        self._worker = worker
        self._practice = practice
        self._exclude = practice.exclude
        self._begin = practice.begin
        self._queue = practice.queue
        self._client_gone = practice.client_gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scope: a request, a WebSocket, or the application's lifespan."""
        if asyncio.get_running_loop() is not self._worker.loop:
            self._worker.attend()
        if scope["type"] != "http":
            return await self._unmeasured(scope, receive, send)
        path = path_of(scope) if scope.get("root_path") else scope["path"]
        # An instrumented application that is mounted in an instrumented one is measured once, by the outer.
        if path in self._exclude or _SEEN in scope:
            return await self._practice.answers.get(path, self.app)(scope, receive, send)
        scope[_SEEN] = True  # and not the exchange, which knows the scope: a circle would be left to the garbage collector
        exchange = Exchange(self._meter, scope, path, receive, send)
        self._meter.active[exchange.method] += 1
        if self._queue is not None and (queued_s := queue_time_s(scope["headers"], time.time())) is not None:
            self._queue.observe(queued_s)
        for begin in self._begin:
            begin(exchange)
        outer = current.set(exchange)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except self._client_gone:
            raise
        except Exception:
            exchange.finish(500)
            raise
        finally:
            current.reset(outer)
            exchange.end()

    async def _unmeasured(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            try:
                await self._practice.lifespan(self.app)(scope, receive, send)
            finally:
                self._worker.leave()
            return
        # A WebSocket is no request with a latency; but who blocks the loop from within one must be found. It counts as finished, so that
        # nothing is charged to it: it would never be settled.
        exchange = Exchange(self._meter, scope, path_of(scope), receive, send)
        exchange.finished = True
        for begin in self._begin:
            begin(exchange)
        outer = current.set(exchange)
        try:
            await self.app(scope, receive, send)
        finally:
            current.reset(outer)
            exchange.end()
