"""
The engine of SQLAlchemy, sync or async (an async engine has a sync one inside).

SQLAlchemy has no event before the wait for a connection, and its events around a statement cost more than our whole note of it. So the
classes of the live pool and of the live dialect are replaced by ones that time the methods in which it happens; a pool survives
``engine.dispose()``, since it is recreated from its class. What stands inline here stands as methods in `PoolWatch` for other libraries: a
call costs 1 us where the code around it has emptied the processor's caches, and every request comes by.
"""

import contextlib
import functools
import sys
import time
from typing import TYPE_CHECKING, Any

from apituner.fastapi.database.statements import StatementClock, timed_ending
from apituner.fastapi.database.watch import Hold, PoolState, PoolWatch, own_class, watch_of
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.spans import HOLD, WAIT, current

if TYPE_CHECKING:
    from sqlalchemy import Engine

_UNLIMITED = float("inf")


def watch_engine(name: str, engine: "Engine", signals: Signals) -> PoolWatch:
    """Begin to watch the pool and the statements of *engine*; a pool that is watched already keeps its name."""
    # Semantic conventions name PostgreSQL "postgresql", as SQLAlchemy does.
    engine.dialect.__class__ = _timed_dialect(own_class(type(engine.dialect)), StatementClock(signals, engine.dialect.name))
    if (known := watch_of(engine.pool, signals)) is not None:
        return known
    watch = PoolWatch(name, signals, lambda: _state(engine, watch))
    engine.pool.__class__ = _timed_pool(own_class(type(engine.pool)), watch)
    return watch


def _timed_dialect(own: Any, clock: StatementClock) -> Any:  # noqa: ANN401 - whatever the engine's dialect is
    statements = {name: clock.timed(getattr(own, name)) for name in ("do_execute", "do_executemany", "do_execute_no_params")}
    endings = {name: timed_ending(getattr(own, name)) for name in ("do_commit", "do_rollback", "do_ping")}
    # SQLAlchemy asks each class by itself whether compiled statements may be kept: what a base says does not count.
    same = {"supports_statement_cache": own.supports_statement_cache, "apituner_own_class": own}
    context = {"execution_ctx_cls": _timed_context(own.execution_ctx_cls)}
    return type(own.__name__, (own,), same | context | statements | endings)


def _timed_context(own: Any) -> Any:  # noqa: ANN401 - whatever the dialect's execution context is
    """Return a context whose streams are timed: their rows come from the server one part after the other, when they are asked for."""
    timed_cursor = functools.cache(_timed_cursor)

    def create_server_side_cursor(self: Any) -> Any:  # noqa: ANN401 - as the base's
        cursor = own.create_server_side_cursor(self)
        kind: Any = type(cursor)
        with contextlib.suppress(TypeError):  # psycopg2's is written in C, and keeps its class
            cursor.__class__ = timed_cursor(kind)
        return cursor

    return type(own.__name__, (own,), {"create_server_side_cursor": create_server_side_cursor})


def _timed_cursor(own: Any) -> Any:  # noqa: ANN401 - a driver's cursor
    fetches = {name: timed_ending(getattr(own, name)) for name in ("fetchone", "fetchmany", "fetchall")}
    return type(own.__name__, (own,), {"__slots__": (), "__module__": own.__module__, **fetches})


def _timed_pool(own: Any, watch: PoolWatch) -> Any:  # noqa: ANN401, C901 - the pool's own class; inline, as said above
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError  # noqa: PLC0415 - an API without an engine need not have SQLAlchemy

    holds: dict[object, Hold] = {}
    opened: dict[object, float] = {}
    failed: dict[int, float] = {}  # by the identity of the exception, which need not be hashable
    get, give_back, create = own._do_get, own._do_return_conn, own._create_connection  # noqa: SLF001 - SQLAlchemy's own hooks
    waiting, waited, used = watch.waiting, watch.wait.observe, watch.use.observe
    clock = time.perf_counter

    class Timed(own):  # type: ignore[misc]  # the base is not known before
        """The pool's own class, with a watch."""

        apituner_watch, apituner_own_class = watch, own

        def _do_get(self) -> Any:  # noqa: ANN401 - as the base's
            since_s = clock()
            waiting.add(since_s)
            try:
                record = get(self)
            except BaseException as error:
                if sys._getframe(2).f_code is sys._getframe().f_code:  # noqa: SLF001 - likewise; where threads race, the base tries again
                    raise
                watch.give_up(since_s + failed.pop(id(error), 0.0), timed_out=isinstance(error, PoolTimeoutError))
                raise
            finally:
                waiting.discard(since_s)
            if record not in holds:  # where threads race for the last one, the pool tries again within this method, and has noted it there
                now_s = clock()
                if opened:
                    since_s = min(now_s, since_s + opened.pop(record, 0.0))
                waited(now_s - since_s)
                exchange = current.get()
                if exchange is None or exchange.finished:
                    holds[record] = now_s, None
                else:
                    exchange.spans.append((WAIT, since_s, now_s))
                    holds[record] = now_s, exchange
            return record

        def _do_return_conn(self, record: Any) -> None:  # noqa: ANN401 - as the base's
            if (hold := holds.pop(record, None)) is not None:
                now_s = clock()
                since_s, exchange = hold
                used(now_s - since_s)
                if exchange is not None:
                    if exchange.finished:
                        exchange.held_late(since_s, now_s)
                    else:
                        exchange.spans.append((HOLD, since_s, now_s))
            give_back(self, record)

        def _create_connection(self) -> Any:  # noqa: ANN401 - as the base's
            since_s = clock()
            try:
                record = create(self)
            except BaseException as error:
                failed[id(error)] = clock() - since_s
                raise
            opened[record] = took_s = clock() - since_s
            watch.opened(took_s)
            return record

        @property
        def in_use(self) -> int:
            """Connections that are held now."""
            return len(holds)

    Timed.__name__ = Timed.__qualname__ = own.__name__
    return Timed


def _state(engine: "Engine", watch: PoolWatch) -> PoolState:
    """Read the pool's present state. ``engine.dispose()`` replaces the pool, so the engine is asked for it each time."""
    pool: Any = engine.pool
    if not hasattr(pool, "apituner_watch"):  # the application has put another in its place
        pool.__class__ = _timed_pool(type(pool), watch)
    kind = type(pool).__name__
    if (overflow := getattr(pool, "_max_overflow", None)) is None:
        # It has no queue: NullPool opens a connection for each use, StaticPool and SingletonThreadPool share theirs.
        return PoolState(kind=kind, idle=0, used=pool.in_use, kept=0, limit=_UNLIMITED)
    kept = pool.size()
    # A size of 0 or an overflow of -1 mean "no limit" to SQLAlchemy.
    limit = _UNLIMITED if overflow < 0 or kept == 0 else kept + overflow
    return PoolState(kind=kind, idle=pool.checkedin(), used=pool.checkedout(), kept=kept, limit=limit)
