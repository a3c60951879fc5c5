"""What a statement took, as the process sees it: from handing it to the driver to its result, failed ones included."""

import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.spans import BUILDING_OPERATION, ENDING, OPERATION, current

P = ParamSpec("P")
T = TypeVar("T")


class StatementClock:
    """Times the statements of one database system."""

    def __init__(self, signals: Signals, system: str) -> None:
        self.observe = signals.pools.operation.of(system).observe

    def timed(self, execute: Callable[P, T]) -> Callable[P, T]:
        """Return *execute* with a clock around it; what `_note` does stands inline, as every request of SQLAlchemy comes by."""
        observe = self.observe

        def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            since_s = time.perf_counter()
            try:
                return execute(*args, **kwargs)
            finally:
                now_s = time.perf_counter()
                observe(now_s - since_s)
                if (exchange := current.get()) is not None and not exchange.finished:
                    kind = BUILDING_OPERATION if exchange.building else OPERATION
                    exchange.spans.append((kind, since_s, now_s))

        return timed

    def timed_async(self, execute: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """Return the coroutine function *execute* with a clock around it."""

        async def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            since_s = time.perf_counter()
            try:
                return await execute(*args, **kwargs)
            finally:
                self._note(since_s)

        return timed

    def _note(self, since_s: float) -> None:
        now_s = time.perf_counter()
        self.observe(now_s - since_s)
        if (exchange := current.get()) is not None and not exchange.finished:
            kind = BUILDING_OPERATION if exchange.building else OPERATION
            exchange.spans.append((kind, since_s, now_s))


def timed_ending(end: Callable[P, T]) -> Callable[P, T]:
    """Return *end*, a commit or a rollback, with a clock around it: time in the database, but no statement of the application."""

    def timed(*args: P.args, **kwargs: P.kwargs) -> T:
        since_s = time.perf_counter()
        try:
            return end(*args, **kwargs)
        finally:
            if (exchange := current.get()) is not None and not exchange.finished:
                exchange.spans.append((ENDING, since_s, time.perf_counter()))

    return timed
