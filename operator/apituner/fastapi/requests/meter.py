"""Notes what every finished request took, and counts it by its route, many requests at a time."""

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.measures.tallies import Distribution
from apituner.fastapi.requests.exchange import OTHER_METHOD, Ended, Exchange
from apituner.fastapi.requests.routes import RouteTable
from apituner.fastapi.requests.spans import Span, charge, charge_holds
from apituner.fastapi.seldom import Seldom

_log = logging.getLogger("apituner.fastapi")

# The methods that HTTP names.
_METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE")

Reader = Callable[[Ended, str], None]
"""Who wants to know of every finished request: what is left of it, and the template of its route."""


class _RouteMeter:
    """The series of one route that every request of it adds to."""

    __slots__ = ("body", "durations", "label", "serialization")

    def __init__(self, label: str, signals: Signals) -> None:
        self.label = label
        self.body = signals.requests.body.of(label)
        self.serialization: Distribution | None = None
        self.durations: dict[tuple[str, int], Distribution] = {}


class Meter:
    """The measurements of all requests of one application."""

    def __init__(self, signals: Signals, routes: RouteTable, readers: tuple[Reader, ...] = ()) -> None:
        self._signals = signals
        self._routes = routes
        self._readers = readers
        self._meters: dict[str, _RouteMeter] = {}
        self.active = dict.fromkeys((*_METHODS, OTHER_METHOD), 0)
        self.noted: deque[tuple[Any, ...]] = deque()
        self._seldom = Seldom(every_s=60.0)
        self._asked_for: set[str] = set()

    def count(self) -> None:
        """Count what was noted; a fault in that is ours, and no reason for a request to fail."""
        take = self.noted.popleft
        for _ in range(len(self.noted)):
            try:
                ended = Ended._make(take())
            except IndexError:  # an application may run on two event loops, and both count
                return
            try:
                self._count(ended)
            except Exception:  # noqa: BLE001 - whatever is wrong with us must not become the API's fault
                if self._seldom.due("", time.monotonic()):
                    _log.exception("could not take note of a request")

    def _count(self, ended: Ended) -> None:
        template = self._routes.template(ended.endpoint, ended.path, ended.method)
        if (meter := self._meters.get(template)) is None:
            meter = self._meters[template] = _RouteMeter(self._signals.route_label.value(template), self._signals)
        if (duration := meter.durations.get((ended.method, ended.status))) is None:
            duration = meter.durations[ended.method, ended.status] = self._duration(ended.method, meter.label, ended.status)
        duration.observe(ended.seconds)
        meter.body.observe(ended.sent_bytes)
        if ended.serialization_s:
            if meter.serialization is None:
                meter.serialization = self._signals.requests.serialization.of(meter.label)
            meter.serialization.observe(ended.serialization_s)
        if ended.spans:
            charge(self._signals.routes, meter.label, ended.spans)
        for read in self._readers:
            read(ended, template)

    def _duration(self, method: str, label: str, status: int) -> Distribution:
        self._asked_for.add(method)
        return self._signals.requests.duration.of(method, label, str(status))

    def held_late(self, exchange: Exchange, hold: Span) -> None:
        """Charge a connection that was given back after the response; from the thread that gave it back."""
        charge_holds(self._signals.routes, self.route_of(exchange), exchange.spans, [hold])

    def route_of(self, exchange: Exchange) -> str:
        """Return the label of the route of a request that may still be under way."""
        found = exchange.found or id(exchange.scope.get("endpoint"))
        return self._signals.route_label.value(self._routes.template(found, exchange.path, exchange.method))

    def publish(self) -> None:
        """Tell how many requests are being answered, of the methods that were ever asked for. From any thread."""
        for method, count in self.active.items():
            if count or method in self._asked_for:
                self._signals.requests.active.labels(method).set(count)
