"""
The pool of asyncpg.

It has no hook before the wait for a connection, so the live pool's class is replaced by one that times it; statements are timed by
asyncpg's own query loggers. These are called one turn of the event loop after the statement, so a request's work is settled a turn later,
too.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from apituner.fastapi.database.statements import StatementClock
from apituner.fastapi.database.watch import Hold, PoolState, PoolWatch
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.exchange import Exchange
from apituner.fastapi.requests.spans import BUILDING_OPERATION, ENDING, OPERATION
from apituner.fastapi.settings import pool_timeout_s

if TYPE_CHECKING:
    from asyncpg.connection import LoggedQuery
    from asyncpg.pool import Pool

# What asyncpg itself sends for a transaction: time in the database, but no statement of the application.
_TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def watch_pool(name: str, pool: "Pool", signals: Signals, environ: Mapping[str, str] = os.environ) -> PoolWatch:
    """
    Begin to watch *pool*, open or not yet; once per pool.

    asyncpg waits for a connection for ever unless each acquire() says otherwise; DB_POOL_TIMEOUT becomes the default where it is set.
    """
    import asyncpg  # noqa: PLC0415 - an API without asyncpg need not have it

    if not hasattr(asyncpg.Connection, "get_reset_query"):
        raise TypeError(f"pool {name!r} is of asyncpg {asyncpg.__version__}, which is too old to be watched: install 0.30 or newer")
    watch = PoolWatch(name, signals, lambda: _state(pool))
    pool.__class__ = _timed(type(pool), watch, StatementClock(signals, "postgresql"), pool_timeout_s(environ))
    return watch


class _Opening:
    """How much of the wait for a connection went into opening one, in seconds."""

    took_s = 0.0


class _QueryLogger:
    """Charges the statements of one connection to whoever holds it."""

    def __init__(self, observe: Callable[[float], None], reset: str) -> None:
        self._observe = observe
        self._reset = reset
        """What asyncpg sends when a connection is given back."""
        self.exchange: Exchange | None = None

    def __call__(self, query: "LoggedQuery") -> None:
        now_s = time.perf_counter()
        ending = query.query.startswith(_TRANSACTION) or query.query == self._reset
        if not ending:
            self._observe(query.elapsed)
        if (exchange := self.exchange) is not None:
            kind = ENDING if ending else BUILDING_OPERATION if exchange.building else OPERATION
            exchange.spans.append((kind, now_s - query.elapsed, now_s))


def _timed(own_class: Any, watch: PoolWatch, clock: StatementClock, timeout_s: float | None) -> Any:  # noqa: ANN401 - the pool's own class
    acquiring: ContextVar[_Opening | None] = ContextVar("apituner_acquiring", default=None)
    holds: dict[object, Hold] = {}
    loggers: WeakKeyDictionary[object, _QueryLogger] = WeakKeyDictionary()

    def listen(proxy: Any, exchange: Exchange | None) -> None:  # noqa: ANN401 - as asyncpg's
        connection = proxy._con  # noqa: SLF001 - a new proxy stands before it each time
        if (logger := loggers.get(connection)) is None:
            logger = loggers[connection] = _QueryLogger(clock.observe, proxy.get_reset_query())
            proxy.add_query_logger(logger)
        logger.exchange = exchange
        if exchange is not None:
            exchange.told_late = True

    class Timed(own_class):  # type: ignore[misc]  # the base is not known before
        """The pool's own class, with a watch."""

        __slots__ = ()

        async def _acquire(self, timeout: float | None) -> Any:  # noqa: ANN401, ASYNC109 - as the base's
            since_s = watch.begin()
            opening = _Opening()
            outer = acquiring.set(opening)
            try:
                proxy = await super()._acquire(timeout_s if timeout is None else timeout)
            except BaseException as error:
                watch.give_up(since_s + opening.took_s, timed_out=isinstance(error, TimeoutError))
                raise
            finally:
                watch.waiting.discard(since_s)
                acquiring.reset(outer)
            holds[proxy] = hold = watch.acquire(since_s + opening.took_s)
            listen(proxy, hold[1])
            return proxy

        async def release(self, connection: Any, *, timeout: float | None = None) -> None:  # noqa: ANN401, ASYNC109 - as the base's
            hold = holds.pop(connection, None)
            try:
                # It resets the connection, which keeps it from others for one more round trip.
                await super().release(connection, timeout=timeout)
            finally:
                if hold is not None:
                    watch.release(hold)

        async def _get_new_connection(self) -> Any:  # noqa: ANN401 - as the base's
            since_s = time.perf_counter()
            try:
                connection = await super()._get_new_connection()
                watch.opened(time.perf_counter() - since_s)
                return connection
            finally:
                if (opening := acquiring.get()) is not None:
                    opening.took_s += time.perf_counter() - since_s

    Timed.__name__ = Timed.__qualname__ = own_class.__name__
    return Timed


def _state(pool: "Pool") -> PoolState:
    size, idle = pool.get_size(), pool.get_idle_size()
    return PoolState(kind=type(pool).__name__, idle=idle, used=size - idle, kept=pool.get_min_size(), limit=pool.get_max_size())
