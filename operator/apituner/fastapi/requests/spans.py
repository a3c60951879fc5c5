"""
What one request asked of others, as spans of time: statements, waits for a connection, connections held, calls to other services.

The hooks of the libraries find the request by a context variable, which asyncio hands on to tasks and to threads, and only note a span.
What the spans of a request mean is worked out when it is over.
"""

from bisect import bisect
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from itertools import accumulate
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
        charge_holds(signals, route, spans, [span for span in spans if span[0] == HOLD])


def charge_holds(signals: RouteSignals, route: str, spans: Sequence[Span], holds: Sequence[Span]) -> None:
    """Charge *holds* to *route*, and of each what was not spent in the database, and what was spent in calls to others."""
    held_s = unused_s = calling_s = 0.0
    database_s = _shares_s([span for span in spans if span[0] in _IN_DATABASE], holds)
    calls_s = _shares_s([span for span in spans if span[0] == CALL], holds)
    for (_, since_s, until_s), used_s, called_s in zip(holds, database_s, calls_s, strict=True):
        hold_s = until_s - since_s
        held_s += hold_s
        unused_s += max(0.0, hold_s - used_s)
        # Several calls at once keep the connection no longer than the longest.
        calling_s += min(hold_s, called_s)
    signals.hold_s.of(route).add(held_s)
    signals.unused_s.of(route).add(unused_s)
    if calling_s > 0:
        signals.holding_call_s.of(route).add(calling_s)


def _shares_s(spans: Sequence[Span], holds: Sequence[Span]) -> Sequence[float]:
    """Return of each hold how many seconds *spans* take of it together."""
    if not spans:
        return [0.0] * len(holds)
    if len(holds) == 1:  # as most requests have it
        ((_, hold_since_s, hold_until_s),) = holds
        share_s = 0.0
        for _, since_s, until_s in spans:
            if hold_since_s <= since_s and until_s <= hold_until_s:
                share_s += until_s - since_s
            elif since_s < hold_until_s and until_s > hold_since_s:
                share_s += min(until_s, hold_until_s) - max(since_s, hold_since_s)
        return [share_s]
    until = _seconds_until(spans)
    return [until(until_s) - until(since_s) for _, since_s, until_s in holds]


def _seconds_until(spans: Sequence[Span]) -> Callable[[float], float]:
    """
    Return a function that tells how many seconds of *spans* lie before a moment.

    At moment t, of n spans that have begun and m that have ended, these are t (n - m) - (sum of the n beginnings) + (sum of the m ends). To
    compare each hold with each span instead would take 4 s for a request that had 3,000 of both.
    """
    begun, ended = sorted(span[1] for span in spans), sorted(span[2] for span in spans)
    first_s = begun[0]  # the clock may show millions of seconds, and sums of these leave few digits for the microseconds
    begun_s = list(accumulate((moment_s - first_s for moment_s in begun), initial=0.0))
    ended_s = list(accumulate((moment_s - first_s for moment_s in ended), initial=0.0))

    def seconds_until(moment_s: float) -> float:
        n, m = bisect(begun, moment_s), bisect(ended, moment_s)
        return (moment_s - first_s) * (n - m) - begun_s[n] + ended_s[m]

    return seconds_until
