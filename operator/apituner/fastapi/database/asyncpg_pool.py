"""
The pool of asyncpg.

It has no hook before the wait for a connection, so the live pool's class is replaced by one that times it. Its query loggers are told of a
statement one turn of the event loop late, and of what was prepared, of cursors and of copies never; so the classes of the live
connections' protocols are replaced, too: all that a connection sends passes there.
"""

import functools
import os
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from apituner.fastapi.database.statements import StatementClock, timed_ending_async
from apituner.fastapi.database.watch import Hold, PoolState, PoolWatch, own_class, watch_of
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.settings import pool_timeout_s

if TYPE_CHECKING:
    from asyncpg.pool import Pool

# What asyncpg itself sends for a transaction or a cursor: time in the database, but no statement of the application.
_OWN = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "MOVE")


def watch_pool(name: str, pool: "Pool", signals: Signals, environ: Mapping[str, str] = os.environ) -> PoolWatch:
    """
    Begin to watch *pool*, open or not yet; one that is watched already keeps its name.

    asyncpg waits for a connection for ever unless each acquire() says otherwise; DB_POOL_TIMEOUT becomes the default where it is set.
    """
    import asyncpg  # noqa: PLC0415 - an API without asyncpg need not have it

    if not hasattr(asyncpg.Connection, "get_reset_query"):
        raise TypeError(f"pool {name!r} is of asyncpg {asyncpg.__version__}, which is too old to be watched: install 0.30 or newer")
    if (known := watch_of(pool, signals)) is not None:
        return known
    watch = PoolWatch(name, signals, lambda: _state(pool))
    pool.__class__ = _timed_pool(own_class(type(pool)), watch, StatementClock(signals, "postgresql"), pool_timeout_s(environ))
    return watch


class _Opening:
    """How much of the wait for a connection went into opening one, in seconds."""

    took_s = 0.0


def _timed_pool(own: Any, watch: PoolWatch, clock: StatementClock, timeout_s: float | None) -> Any:  # noqa: ANN401 - the pool's own class
    from asyncpg import protocol  # noqa: PLC0415 - an API without asyncpg need not have it

    acquiring: ContextVar[_Opening | None] = ContextVar("apituner_acquiring", default=None)
    # By the pool's holder of the connection: an application that closes a connection need not give it back.
    holds: dict[object, tuple[object, Hold]] = {}
    timed_protocol = functools.cache(functools.partial(_timed_protocol, clock))
    timed_protocol(protocol.Protocol)  # here, so that what we do not understand of asyncpg shows at the start, and not in a request

    class Timed(own):  # type: ignore[misc]  # the base is not known before
        """The pool's own class, with a watch."""

        __slots__ = ()
        apituner_watch, apituner_own_class = watch, own

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
            # None where the pool is terminated meanwhile.
            sender = getattr(proxy._con, "_protocol", None)  # noqa: SLF001 - asyncpg's own, behind a new proxy each time
            if sender is not None and getattr(sender, "apituner_clock", None) is not clock:
                sender.__class__ = timed_protocol(own_class(type(sender)))
                sender.reset_query = proxy.get_reset_query()
            holds[proxy._holder] = proxy, watch.acquire(since_s + opening.took_s)  # noqa: SLF001 - likewise
            return proxy

        async def release(self, connection: Any, *, timeout: float | None = None) -> None:  # noqa: ANN401, ASYNC109 - as the base's
            holder = getattr(connection, "_holder", None)
            proxy, hold = holds.get(holder, (None, None))
            if proxy is connection:
                del holds[holder]
            try:
                # It resets the connection, which keeps it from others for one more round trip.
                await super().release(connection, timeout=timeout)
            finally:
                if hold is not None and proxy is connection:
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

    Timed.__name__ = Timed.__qualname__ = own.__name__
    return Timed


def _timed_protocol(clock: StatementClock, own: Any) -> Any:  # noqa: ANN401 - asyncpg's class
    statement, part = functools.partial(_timed_statement, clock), timed_ending_async
    send, send_own = statement(own.query), part(own.query)

    def query(self: Any, sql: str, timeout: float | None) -> Any:  # noqa: ANN401 - as the base's
        return (send_own if sql.startswith(_OWN) or sql == self.reset_query else send)(self, sql, timeout)

    async def prepare(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the base's
        since_s = time.perf_counter()
        try:
            return await send_preparation(self, *args, **kwargs)
        finally:
            self.prepared_s += time.perf_counter() - since_s

    send_preparation = part(own.prepare)
    # A cursor is bound, or bound and executed for its first rows, and then executed for more of them.
    statements = {name: statement(getattr(own, name)) for name in ("bind", "bind_execute", "bind_execute_many", "copy_in", "copy_out")}
    parts = {name: part(getattr(own, name)) for name in ("execute", "close_portal", "close_statement")}
    ours = {"query": query, "prepare": prepare, "prepared_s": 0.0, "apituner_clock": clock, "apituner_own_class": own}
    return type(own.__name__, (own,), statements | parts | ours)


def _timed_statement(clock: StatementClock, send: Any) -> Any:  # noqa: ANN401 - a method of asyncpg
    """Return *send* with a clock around it; preparing a statement is a part of executing it."""

    async def timed(protocol: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the base's
        since_s = time.perf_counter()
        try:
            return await send(protocol, *args, **kwargs)
        finally:
            now_s = time.perf_counter()
            clock.note(now_s - since_s + protocol.prepared_s, since_s, now_s)
            protocol.prepared_s = 0.0

    return timed


def _state(pool: "Pool") -> PoolState:
    size, idle = pool.get_size(), pool.get_idle_size()
    return PoolState(kind=type(pool).__name__, idle=idle, used=size - idle, kept=pool.get_min_size(), limit=pool.get_max_size())
