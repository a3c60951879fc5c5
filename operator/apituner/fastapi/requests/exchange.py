"""
One request and its answer, as they pass the outermost middleware.

It stands in for the server's ``receive`` and ``send``, and everything on its way is on every request's way. So it only notes, and what was
noted is counted later, many requests at a time, which costs half as much; and where nothing has to be done after a call, a plain function
returns the server's own awaitable instead of a coroutine around it.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple, Protocol

from apituner.fastapi.requests.spans import HOLD, THREAD, Span

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Look = Callable[[Scope, Message], list[bytes] | None]
"""Who decides by the start of a response where the parts of its body are kept; None: nowhere."""

# A server buffers 64 KiB before a slow client can make an application wait (asyncio's high-water mark). The last write of less takes some
# 20 us, which no bucket of ours can tell.
_NEVER_WAITS_BYTES = 32 * 2**10

# Counted together: enough to keep the code that counts in the processor's cache, too few to be felt (some 0.1 ms).
_MOST_NOTED = 64

# A stream of events may ask the database every second for days: 3 spans of 0.1 kB each time. Of what is more than this the oldest is
# forgotten, as it is of other numbers that are noted (`apituner.fastapi.measures.tallies`).
_MOST_SPANS = 10_000

OTHER_METHOD = "_OTHER"

# As proxies write it: the client went away before there was an answer.
CLIENT_GONE = 499


_OVER: Scope = {}


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}


async def _too_late(message: Message) -> None:
    raise RuntimeError(f"{message['type']} was sent after the end of the response")


class Ended(NamedTuple):
    """What is left of an exchange when it is over."""

    endpoint: int
    """The identity of what the router found, or of None."""
    method: str
    path: str
    status: int
    at_s: float
    """When it was over, by ``time.perf_counter``."""
    seconds: float
    sent_bytes: int
    serialization_s: float
    spans: tuple[Span, ...]
    """What it asked of others."""
    body: list[bytes] | None
    client: tuple[str, int] | None
    request_id: str
    trace_id: str


class Book(Protocol):
    """Who takes note of exchanges."""

    active: dict[str, int]
    """Requests being answered, by method; all methods that are told apart are there."""
    noted: deque[tuple[Any, ...]]
    """Exchanges that are over, each with the fields of an `Ended` in their order."""

    def count(self) -> None:
        """Count what was noted."""

    def held_late(self, exchange: "Exchange", hold: Span) -> None:
        """Charge a connection that was given back after the response."""

    def route_of(self, exchange: "Exchange") -> str:
        """Return the label of its route, which may still be under way."""


class Exchange:
    """One request, from its first sight to the last byte of its body."""

    __slots__ = (
        "_book",
        "_client_gone",
        "_receive",
        "_send",
        "_since_s",
        "body",
        "building",
        "finished",
        "found",
        "look",
        "method",
        "path",
        "request_id",
        "scope",
        "sent_bytes",
        "serialization_s",
        "serializing_since_s",
        "spans",
        "starting",
        "status",
        "trace_id",
    )

    def __init__(self, book: Book, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.path = path
        """As the client asked for it, below the root path; a mount changes the scope's own."""
        self.found = 0
        """The identity of what the router found, once the request has ended."""
        self.status: int | None = None
        self.finished = False
        """Whether the response is over; what follows (background tasks, dependencies being closed) the client does not wait for."""
        self.building = False
        """Whether the response is being built: validated, serialized or streamed."""
        self.sent_bytes = 0
        self.serializing_since_s = self.serialization_s = 0.0
        self.spans: list[Span] = []
        """What it asked of others; of a stream the last ones."""
        self.body: list[bytes] | None = None
        """The parts of the body, where somebody wants to look at them."""
        self.look: Look | None = None
        self.starting: Callable[[Exchange, Message], None] | None = None
        """Who wants to know of the start of the response, and may change it."""
        self.request_id = self.trace_id = ""
        self._client_gone = False
        self._book = book
        self._receive = receive
        self._send = send
        method = scope.get("method", OTHER_METHOD)
        self.method = method if method in book.active else OTHER_METHOD
        """As far as it is one that is told apart: a client may send any word, and must not make a series of it."""
        self._since_s = time.perf_counter()

    @property
    def route(self) -> str:
        """The label of its route; empty while the router has not found it."""
        return self._book.route_of(self)

    async def receive(self) -> Message:
        """Receive for the application, and notice a client that goes away."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._client_gone = True
        return message

    def send(self, message: Message) -> Awaitable[None]:  # noqa: C901 - every request comes by, and calls cost more than branches
        """Send for the application."""
        kind = message["type"]
        if kind == "http.response.body":
            part = message.get("body", b"")
            self.sent_bytes += len(part)
            if self.body is not None:
                self.body.append(part)
            if not message.get("more_body"):
                if self.sent_bytes > _NEVER_WAITS_BYTES:
                    return self._send_last(message)
                self.finish(self.status or CLIENT_GONE)
            elif len(self.spans) > 2 * _MOST_SPANS:  # twice: so that it is seldom done
                del self.spans[:-_MOST_SPANS]
        elif kind == "http.response.start":
            self.status = message["status"]
            if self.look is not None:
                self.body = self.look(self.scope, message)
            if self.starting is not None:
                self.starting(self, message)
            if self.serializing_since_s:
                self.serialized(time.perf_counter())
            self.building = True  # what the body still has to ask for, such as a stream of rows
        elif kind == "http.response.pathsend":
            return self._send_last(message)
        return self._send(message)

    def serialized(self, now_s: float) -> None:
        """End to validate and serialize what the route returned; a wait for the thread that does it is no part of that."""
        since_s = self.serializing_since_s
        waits = (min(now_s, until_s) - max(since_s, from_s) for kind, from_s, until_s in self.spans if kind == THREAD and until_s > since_s)
        self.serialization_s += now_s - since_s - sum(waits)
        self.serializing_since_s = 0.0
        self.building = False

    async def _send_last(self, message: Message) -> None:
        await self._send(message)
        self.finish(self.status or CLIENT_GONE)

    def finish(self, status: int = CLIENT_GONE) -> None:
        """Finish, unless that was done; an application that stops without a last byte has lost the client."""
        if not self.finished:
            self.finished = True
            scope = self.scope
            now_s = time.perf_counter()
            self._book.active[self.method] -= 1
            # Of nothing but numbers, words and tuples of these: such a tuple the garbage collector lets go of at first sight. All that is
            # kept until it is counted would bring its next full collection nearer, which takes 60 ms of an API with SQLAlchemy.
            ended = (
                id(scope.get("endpoint")),
                self.method,
                self.path,
                CLIENT_GONE if self._client_gone else status,
                now_s,
                now_s - self._since_s,
                self.sent_bytes,
                self.serialization_s,
                tuple(self.spans),
                self.body,
                scope.get("client"),
                self.request_id,
                self.trace_id,
            )
            noted = self._book.noted
            noted.append(ended)
            if len(noted) >= _MOST_NOTED:
                self._book.count()

    def end(self) -> None:
        """
        Finish, and let go of the request.

        Whatever was scheduled within it keeps its context, and with it this: a server's timer for the idle connection does, and asyncio
        keeps a hundred of those that were cancelled.
        """
        self.finish()
        self.found = id(self.scope.get("endpoint"))
        self.scope, self._receive, self._send = _OVER, _nothing_more, _too_late

    def held_late(self, since_s: float, until_s: float) -> None:
        """Take note of a connection that was given back only after the response."""
        self._book.held_late(self, (HOLD, since_s, until_s))
