"""What is noted of a connection, whichever library the pool is of: waiting for it, opening it, holding it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.exchange import Exchange
from apituner.fastapi.requests.spans import HOLD, WAIT, current


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """A pool at one moment, in connections."""

    kind: str
    """The class of the pool, as its library calls it."""
    idle: int
    used: int
    kept: int
    """How many stay open when nobody uses them."""
    limit: float
    """How many may be open at once; infinite where the pool has no limit."""


Hold = tuple[float, Exchange | None]
"""A connection that is held: since when, and by which request."""


class PoolWatch:
    """The signals of one pool; *state* tells its present state."""

    def __init__(self, name: str, signals: Signals, state: Callable[[], PoolState]) -> None:
        self.name = name
        self.signals = signals
        self._state = state
        pools = signals.pools
        self.wait, self.use = pools.wait.of(name), pools.use.of(name)
        self._timeouts = pools.timeouts.of(name)
        self.opened = pools.create.of(name).observe
        """Note the seconds in which a connection was opened."""
        self.waiting: set[float] = set()
        """When those who wait now began to. A set and not a number: threads of a sync engine may change it at once."""

    def begin(self) -> float:
        """Ask for a connection; return the time, by which the request for it is known."""
        since_s = time.perf_counter()
        self.waiting.add(since_s)
        return since_s

    def acquire(self, since_s: float) -> Hold:
        """Have a connection that was waited for since *since_s*; the time to open it is no wait, so it was added to that."""
        now_s = time.perf_counter()
        self.wait.observe(max(0.0, now_s - since_s))
        if (exchange := current.get()) is None or exchange.finished:  # nobody waits, or nobody waits any more
            return now_s, None
        exchange.spans.append((WAIT, min(since_s, now_s), now_s))
        return now_s, exchange

    def give_up(self, since_s: float, *, timed_out: bool) -> None:
        """Do without: the time is up, the client went away, or the database refused. Who waits in vain waits the longest, so it counts."""
        self.acquire(since_s)
        if timed_out:
            self._timeouts.add(1)

    def release(self, hold: Hold) -> None:
        """Give it back, which may be after the response: FastAPI closes a dependency with yield only then."""
        now_s = time.perf_counter()
        since_s, exchange = hold
        self.use.observe(now_s - since_s)
        if exchange is not None:
            if exchange.finished:
                exchange.held_late(since_s, now_s)
            else:
                exchange.spans.append((HOLD, since_s, now_s))

    def publish(self) -> None:
        """Set the gauges to the pool's present state."""
        state = self._state()
        pools, setting, name = self.signals.pools, self.signals.worker.setting, self.name
        pools.count.labels(name, "idle").set(state.idle)
        pools.count.labels(name, "used").set(state.used)
        pools.max.labels(name).set(state.limit)
        pools.idle_max.labels(name).set(state.kept)
        pools.pending.labels(name).set(len(self.waiting))
        pools.kind.labels(name, state.kind).set(1)
        setting.labels("db_pool_size", name).set(state.kept)
        setting.labels("db_max_overflow", name).set(state.limit - state.kept)


def watch_of(pool: object, signals: Signals) -> PoolWatch | None:
    """Return the watch that a live pool has already: several apps of a process, or of a test suite, may have one pool."""
    known: PoolWatch | None = getattr(pool, "apituner_watch", None)
    return known if known is not None and known.signals is signals else None


def own_class(watched: type) -> Any:  # noqa: ANN401 - a class of any library
    """Return the class that stands below the one by which we replaced it; a class that was not replaced is returned as it is."""
    return getattr(watched, "apituner_own_class", watched)
