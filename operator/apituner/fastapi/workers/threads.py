"""
The threads that run handlers written with ``def``: how many there are, and how long a handler waits for one.

anyio has no hook before the wait, so the live limiter's class is replaced by one that times it; nothing else of anyio is touched.
"""

import sys
import time
from typing import TYPE_CHECKING, Any

from apituner.fastapi.measures.worker_signals import WorkerSignals
from apituner.fastapi.requests.spans import THREAD, current

if TYPE_CHECKING:
    from anyio import CapacityLimiter


class ThreadWatch:
    """Watches the limiter of the running event loop; it must be made on that loop."""

    def __init__(self, signals: WorkerSignals) -> None:
        self._signals = signals
        self._limiter = _watched_limiter()

    def publish(self) -> None:
        """Set the gauges to the limiter's present state; nothing where the application does not run on anyio."""
        if self._limiter is not None:
            total = self._limiter.total_tokens
            self._signals.threads.labels("total").set(total)
            self._signals.threads.labels("borrowed").set(self._limiter.borrowed_tokens)
            self._signals.threads_waiting.set(self._limiter.statistics().tasks_waiting)
            self._signals.setting.labels("threadpool_tokens", "").set(total)


def _watched_limiter() -> "CapacityLimiter | None":
    if "anyio" not in sys.modules:
        return None
    from anyio import to_thread  # noqa: PLC0415 - an ASGI application need not have anyio

    limiter = to_thread.current_default_thread_limiter()
    own_class: Any = type(limiter)

    class Timed(own_class):  # type: ignore[misc]  # the base is whatever the event loop's backend uses
        """The limiter's own class, with a watch."""

        __slots__ = ()

        async def acquire_on_behalf_of(self, borrower: object) -> None:
            if self.available_tokens > 0:
                await super().acquire_on_behalf_of(borrower)
                return
            since_s = time.perf_counter()
            try:
                await super().acquire_on_behalf_of(borrower)
            finally:
                if (exchange := current.get()) is not None and not exchange.finished:
                    exchange.spans.append((THREAD, since_s, time.perf_counter()))

    if own_class.__name__ != Timed.__name__:
        limiter.__class__ = Timed
    return limiter
