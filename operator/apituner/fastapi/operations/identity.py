"""
By which name a request is known, here and elsewhere: its X-Request-ID, and its trace by the W3C's traceparent.

What a client sends is believed only in the form that it must have, so no header and no line of a log can be forged with it. A request that
brings none gets new ones; the ids of a tracing library that is in use come first.
"""

import os
import re
from dataclasses import dataclass

from apituner.fastapi.operations.tracing import active_trace
from apituner.fastapi.requests.exchange import Exchange, Message

# What proxies and clients send: UUIDs, ULIDs, "Root=1-67891233-abcdef012345678912345678", and so on; nothing that could end a header or a
# quoted string.
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:=@/+-]{1,128}").fullmatch
# https://www.w3.org/TR/trace-context/#traceparent-header: version, trace, parent, flags; version ff and ids of zeros are invalid.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?").fullmatch
_DRAWN = 256
_names: list[bytes] = []
# A forked worker must not give the names that its sibling gives.
os.register_at_fork(after_in_child=_names.clear)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIds:
    """
    X-Request-ID is taken from the request where it has one, else made, and sent back with the response.

    One that the application sets itself is replaced: the name that the client is told is the one that stands in the logs.
    """


class Identity:
    """Gives every exchange its ids; with *answered*, the response names the request's."""

    def __init__(self, *, answered: bool) -> None:
        self._starting = self._answer if answered else self._trace

    def begin(self, exchange: Exchange) -> None:
        """Name a request that begins."""
        headers = dict(exchange.scope["headers"])
        given = headers.get(b"x-request-id")
        try:
            made = _names.pop()
        except IndexError:
            made = _draw()
        exchange.request_id = (made if given is None or not _REQUEST_ID(given) else given).decode("ascii")
        parent = headers.get(b"traceparent")
        trace = None if parent is None else _TRACEPARENT(parent)
        exchange.trace_id = (trace[1] if trace else made).decode("ascii")
        exchange.starting = self._starting

    def _answer(self, exchange: Exchange, message: Message) -> None:
        """Name the request in its response, in the place of what the application says: it is the name in both logs."""
        headers = [*message.get("headers", ()), (b"x-request-id", exchange.request_id.encode("ascii"))]
        for header in headers[:-1]:
            if header[0] == b"x-request-id":
                headers = [other for other in headers[:-1] if other[0] != b"x-request-id"] + headers[-1:]
                break
        message["headers"] = headers
        self._trace(exchange, message)

    @staticmethod
    def _trace(exchange: Exchange, _message: Message) -> None:
        """Take over the trace of the span within which the response starts: most tracing begins within the application."""
        if active := active_trace():
            exchange.trace_id = active


def _draw() -> bytes:
    """Draw names of 128 bits, and return one: the system gives many at once ten times as fast as one by one."""
    drawn = os.urandom(16 * _DRAWN).hex().encode("ascii")
    first, *others = (drawn[at : at + 32] for at in range(0, len(drawn), 32))
    _names.extend(others)
    return first
