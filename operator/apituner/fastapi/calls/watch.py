"""
What is noted of a call, and how it is counted.

A hook of a library makes a `Call` before it sends a request, and ends it with the last byte of the response. That only notes; the labels
are worked out later, many calls at a time.
"""

import http
import time
from collections import deque
from collections.abc import Iterator
from typing import TypeVar

from apituner.fastapi.measures.labels import OTHER
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.exchange import Exchange
from apituner.fastapi.requests.spans import CALL, current

T = TypeVar("T")

# Between two counts, 50 ms apart, this is 200,000 calls per second; what is more is lost, oldest first, and memory stays bounded.
MOST_NOTED = 10_000

# Why there was no response, or only a part of one. OpenTelemetry's error.type is the class of the exception, which each client library
# calls otherwise, so no query could ask for the time-outs of a host; these words are the same for all.
TIMEOUT = "timeout"
CONNECT = "connect"
CANCELLED = "cancelled"
"""Given up from outside: by a time limit around the call, or because nobody waits any more."""
OTHER_ERROR = "other"
"""Also the wait for a free connection of the client's own pool, which is not the host's fault."""
_NONE = ""

# After it, what is sent is no HTTP any more, and lasts for as long as a WebSocket does.
SWITCHING_PROTOCOLS = 101

_STATUSES = {status.value: str(status.value) for status in http.HTTPStatus} | {0: ""}
_CLASSES = {1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


class CallWatch:
    """The calls of this process; noted from any thread, counted by one."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self.noted: deque[tuple[str, int, float, str]] = deque(maxlen=MOST_NOTED)
        """Calls that are over: the host, the status or 0, the seconds, and the error or nothing."""
        self.unlimited: deque[tuple[Exchange | None, str]] = deque(maxlen=MOST_NOTED)
        """Calls without a time limit: from which request, to which host."""

    def count(self) -> None:
        """Count what was noted."""
        for host, status, seconds, error in drained(self.noted):
            self._count(self._signals.host_label.value(_plain(host)), status, seconds, error)
        for exchange, host in drained(self.unlimited):
            route = "" if exchange is None else exchange.route
            pair = self._signals.unlimited_pair.values(route, self._signals.host_label.value(_plain(host)))
            self._signals.routes.unlimited_calls.of(*pair).add(1)

    def _count(self, host: str, status: int, seconds: float, error: str) -> None:
        calls = self._signals.calls
        # A status that is not registered, such as a proxy's 520, tells its class: a service must not make a thousand series.
        calls.duration.of(host, _STATUSES.get(status) or _CLASSES.get(status // 100, OTHER) if status else "").observe(seconds)
        if error:
            calls.errors.of(host, error).add(1)


class Call:
    """One request to another service, from now until it is ended."""

    __slots__ = ("_exchange", "_since_s", "_watch", "host", "status")

    def __init__(self, watch: CallWatch, host: str, *, limited: bool) -> None:
        self._watch: CallWatch | None = watch
        self._exchange = exchange = current.get()
        self.host = host
        self.status = 0
        """Of the response; 0 while there is none."""
        if not limited:
            # Noted at once: one that never ends is what the limit is for.
            watch.unlimited.append((exchange, host))
        self._since_s = time.perf_counter()

    def end(self, error: str = _NONE) -> None:
        """End, unless that was done. A request that was answered before its call was over does not wait for it, and is not charged."""
        if (watch := self._watch) is not None:
            self._watch = None
            now_s = time.perf_counter()
            watch.noted.append((self.host, self.status, now_s - self._since_s, error))
            exchange = self._exchange
            if exchange is not None and not exchange.finished:
                exchange.spans.append((CALL, self._since_s, now_s))


def _plain(host: str) -> str:
    """Without the dot at the end, by which the DNS is asked for exactly this name."""
    return host.rstrip(".").lower()


def drained(noted: deque[T]) -> Iterator[T]:
    """Take what is there now; other threads may go on noting, and two applications of one process may count at once."""
    for _ in range(len(noted)):
        try:
            yield noted.popleft()
        except IndexError:
            return
