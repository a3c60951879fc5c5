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
        """Return *execute* with a clock around it; `note` stands inline, as every request of SQLAlchemy comes by."""
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

    def note(self, took_s: float, since_s: float, until_s: float) -> None:
        """Note a statement that took *took_s* in all; what is charged to the request is the time between the other two."""
        self.observe(took_s)
        charge_statement(since_s, until_s)


def charge_statement(since_s: float, until_s: float) -> None:
    """Charge a statement to the request that is under way, if any is."""
    if (exchange := current.get()) is not None and not exchange.finished:
        kind = BUILDING_OPERATION if exchange.building else OPERATION
        exchange.spans.append((kind, since_s, until_s))


def timed_ending(end: Callable[P, T]) -> Callable[P, T]:
    """Return *end*, such as a commit, with a clock around it: time in the database, but no statement of the application."""

    def timed(*args: P.args, **kwargs: P.kwargs) -> T:
        since_s = time.perf_counter()
        try:
            return end(*args, **kwargs)
        finally:
            if (exchange := current.get()) is not None and not exchange.finished:
                exchange.spans.append((ENDING, since_s, time.perf_counter()))

    return timed


def timed_ending_async(end: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Return the coroutine function *end* with a clock around it, likewise."""

    async def timed(*args: P.args, **kwargs: P.kwargs) -> T:
        since_s = time.perf_counter()
        try:
            return await end(*args, **kwargs)
        finally:
            if (exchange := current.get()) is not None and not exchange.finished:
                exchange.spans.append((ENDING, since_s, time.perf_counter()))

    return timed
