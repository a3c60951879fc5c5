"""
What one request asked of others, as spans of time: statements, waits for a connection, connections held, calls to other services.

The hooks of the libraries find the request by a context variable, which asyncio hands on to tasks and to threads, and only note a span.
What the spans of a request mean is worked out when it is over.
"""

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING

from apituner.fastapi.measures.route_signals import RouteSignals

if TYPE_CHECKING:
    from apituner.fastapi.requests.exchange import Exchange

current: ContextVar["Exchange | None"] = ContextVar("apituner_exchange", default=None)


# What a span was spent on. Plain numbers: looking a member of an enumeration up costs as much as noting the span.
OPERATION = 0
"""A statement."""
BUILDING_OPERATION = 1
"""A statement sent while the response was being built."""
ENDING = 2
"""A commit or a rollback: time in the database, but no statement of the application."""
WAIT = 3
"""Waiting for a connection."""
HOLD = 4
"""Holding a connection."""
CALL = 5
"""A request to another service."""
THREAD = 6
"""Waiting for a thread."""
_KINDS = 7

Span = tuple[int, float, float]
"""What, from when and until when, by ``time.perf_counter``."""

_IN_DATABASE = (OPERATION, BUILDING_OPERATION, ENDING)


def charge(signals: RouteSignals, route: str, spans: Sequence[Span]) -> None:
    """Charge the spans of a finished request to *route*; statements are counted also where there were none."""
    seconds = [0.0] * _KINDS
    counts = [0] * _KINDS
    for kind, since_s, until_s in spans:
        seconds[kind] += until_s - since_s
        counts[kind] += 1
    signals.operations.of(route).observe(counts[OPERATION] + counts[BUILDING_OPERATION])
    for totals, amount in (
        (signals.building_operations, counts[BUILDING_OPERATION]),
        (signals.operation_s, sum(seconds[kind] for kind in _IN_DATABASE)),
        (signals.wait_s, seconds[WAIT]),
        (signals.calls, counts[CALL]),
        (signals.call_s, seconds[CALL]),
        (signals.thread_wait_s, seconds[THREAD]),
    ):
        if amount:
            totals.of(route).add(amount)
    if counts[HOLD]:
        charge_holds(signals, route, spans, (span for span in spans if span[0] == HOLD))


def charge_holds(signals: RouteSignals, route: str, spans: Sequence[Span], holds: Iterable[Span]) -> None:
    """Charge *holds* to *route*, and of each what was not spent in the database, and what was spent in calls to others."""
    for _, since_s, until_s in holds:
        database_s = sum(_overlap_s(span, since_s, until_s) for span in spans if span[0] in _IN_DATABASE)
        call_s = sum(_overlap_s(span, since_s, until_s) for span in spans if span[0] == CALL)
        signals.hold_s.of(route).add(until_s - since_s)
        signals.unused_s.of(route).add(max(0.0, until_s - since_s - database_s))
        if call_s:
            # Several calls at once keep the connection no longer than the longest.
            signals.holding_call_s.of(route).add(min(call_s, until_s - since_s))


def _overlap_s(span: Span, since_s: float, until_s: float) -> float:
    return max(0.0, min(span[2], until_s) - max(span[1], since_s))
