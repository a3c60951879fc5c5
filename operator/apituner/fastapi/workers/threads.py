"""
The threads that run handlers written with ``def``: how many there are, and how long a handler waits for one.

anyio has no hook before the wait, so the live limiter's class is replaced by one that times it; nothing else of anyio is touched.
"""

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from apituner.fastapi.measures.worker_signals import WorkerSignals
from apituner.fastapi.requests.spans import THREAD, current

if TYPE_CHECKING:
    from anyio import CapacityLimiter


class ThreadWatch:
    """Watches the limiter of the running event loop; it must be made on that loop."""

    def __init__(self) -> None:
        self.limiter = _watched_limiter()
        """None where the application does not run on anyio."""


def publish_threads(watches: Iterable[ThreadWatch], signals: WorkerSignals) -> None:
    """Set the gauges to the present state of the limiters of all event loops of this process."""
    if limiters := [watch.limiter for watch in watches if watch.limiter is not None]:
        signals.threads.labels("total").set(sum(limiter.total_tokens for limiter in limiters))
        signals.threads.labels("borrowed").set(sum(limiter.borrowed_tokens for limiter in limiters))
        signals.threads_waiting.set(sum(limiter.statistics().tasks_waiting for limiter in limiters))
        signals.setting.labels("threadpool_tokens", "").set(max(limiter.total_tokens for limiter in limiters))


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
