"""
Who holds the event loop: while it does not answer, the stack of its thread is looked at from outside, and the time is charged to whom it
shows.

The loop's own tick knows for how long it stood still, and whether its thread computed meanwhile; the looks know where. The tick that comes
late settles both: its lateness is shared out among the looks.
"""

import asyncio
import gc
import logging
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextvars import Context
from dataclasses import dataclass

from apituner.fastapi.eventloop.lag import BLOCKED_BEYOND_S, LoopSampler
from apituner.fastapi.eventloop.suspects import NOBODY, Suspect, suspect
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.spans import current

_log = logging.getLogger("apituner.fastapi")

# A look takes some 50 us; every 20 ms a stuck loop can afford it.
_LOOK_EVERY_S = 0.02
# A stall of a minute has been looked at often enough.
_MOST_LOOKS = int(60 / _LOOK_EVERY_S)

# One line a minute and place: who reads it has a day's work with it. And a few places in all: a log is no profiler.
_REPORT_EVERY_S = 60.0
_MOST_REPORTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What one look at the stack showed."""

    due_s: float
    """The tick that was due: another tick, another stall."""
    suspect: Suspect
    route: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stall:
    """A settled stall, to be reported."""

    suspect: Suspect
    route: str
    held_s: float
    blocked: bool


class StallWatch:
    """Watches one event loop from another thread."""

    def __init__(self, sampler: LoopSampler, thread_id: int, signals: Signals, own_packages: frozenset[str]) -> None:
        self._sampler = sampler
        self._thread_id = thread_id
        self._signals = signals
        self.own_packages = own_packages
        self._looks: deque[_Look] = deque(maxlen=_MOST_LOOKS)
        self._stalls: deque[_Stall] = deque(maxlen=_MOST_REPORTED)
        self._reported_s: dict[Suspect, float] = {}

    def next_look_s(self, now_s: float) -> float:
        """Tell in how many seconds a look is due: soon while the loop is stuck, else when it would be."""
        return max(_LOOK_EVERY_S, self._sampler.due_s + BLOCKED_BEYOND_S - now_s)

    def look(self, now_s: float) -> None:
        """Look at the stack, if the loop is stuck. From the watching thread."""
        due_s = self._sampler.due_s
        if now_s - due_s <= BLOCKED_BEYOND_S or not self._sampler.loop.is_running():
            return
        if (frame := sys._current_frames().get(self._thread_id)) is None:  # noqa: SLF001 - as debuggers do
            return
        route = self._route()
        self._looks.append(_Look(due_s=due_s, suspect=suspect(frame, self.own_packages), route=route))

    def settle(self, *, due_s: float, late_s: float, used_s: float, blocked_s: float) -> None:
        """Share the lateness of a tick out among the looks. From the loop's thread."""
        looks = [look for look in self._looks if look.due_s == due_s]
        self._looks.clear()
        # The rest of the lateness is a wait for a CPU, for which no function is to blame.
        running_s = min(late_s, used_s)
        seen = Counter((look.route, look.suspect) for look in looks) or Counter({("", NOBODY): 1})
        for (route, who), times in seen.items():
            share = times / seen.total()
            function = self._signals.function_label.value(who.function)
            self._signals.loop.held.of(route, function, "blocked").add(blocked_s * share)
            self._signals.loop.held.of(route, function, "running").add(running_s * share)
            # A loop with very many requests is late without standing still at any place for long: that is worth no line.
            if (held_s := max(blocked_s, running_s) * share) > BLOCKED_BEYOND_S:
                self._stalls.append(_Stall(suspect=who, route=route, held_s=held_s, blocked=blocked_s > running_s))

    def report(self) -> None:
        """Log what was settled, each place once a minute. From the watching thread: a log can block, too."""
        now_s = time.monotonic()
        while self._stalls:
            stall = self._stalls.popleft()
            who = stall.suspect
            if who is NOBODY or now_s - self._reported_s.get(who, -_REPORT_EVERY_S) < _REPORT_EVERY_S:
                continue
            self._reported_s = {known: at_s for known, at_s in self._reported_s.items() if now_s - at_s < _REPORT_EVERY_S}
            if len(self._reported_s) >= _MOST_REPORTED:
                continue
            self._reported_s[who] = now_s
            cure = "call it by asyncio.to_thread, or write the route with def" if stall.blocked else who.cure
            _log.warning(
                "the event loop stood still for %.0f ms in route %s: %s was at %s:%d, %r; %s",
                stall.held_s * 1e3,
                stall.route or "(none)",
                who.function,
                who.file,
                who.line,
                who.text,
                cure,
            )

    def _route(self) -> str:
        """Tell the route of the request that runs now: tasks inherit the context of the request that made them."""
        task = asyncio.current_task(self._sampler.loop)
        exchange = next((context.get(current) for context in _contexts(task)), None)
        return "" if exchange is None else exchange.route


def _contexts(task: asyncio.Task[object] | None) -> Iterator[Context]:
    """Return the context of *task*, which Python 3.11 does not tell but to the garbage collector."""
    if task is None:
        return
    if (get_context := getattr(task, "get_context", None)) is not None:
        yield get_context()
    else:
        yield from (found for found in gc.get_referents(task) if isinstance(found, Context))
