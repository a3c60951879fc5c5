"""
The engine of SQLAlchemy, sync or async (an async engine has a sync one inside).

SQLAlchemy has no event before the wait for a connection, and its events around a statement cost more than our whole note of it. So the
classes of the live pool and of the live dialect are replaced by ones that time the methods in which it happens; a pool survives
``engine.dispose()``, since it is recreated from its class. What stands inline here stands as methods in `PoolWatch` for other libraries: a
call costs 1 us where the code around it has emptied the processor's caches, and every request comes by.
"""

import time
from typing import TYPE_CHECKING, Any

from apituner.fastapi.database.statements import StatementClock, timed_ending
from apituner.fastapi.database.watch import Hold, PoolState, PoolWatch
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.spans import HOLD, WAIT, current

if TYPE_CHECKING:
    from sqlalchemy import Engine

_UNLIMITED = float("inf")


def watch_engine(name: str, engine: "Engine", signals: Signals) -> PoolWatch:
    """Begin to watch the pool and the statements of *engine*; once per engine."""
    # Semantic conventions name PostgreSQL "postgresql", as SQLAlchemy does.
    engine.dialect.__class__ = _timed_dialect(type(engine.dialect), StatementClock(signals, engine.dialect.name))
    watch = PoolWatch(name, signals, lambda: _state(engine))
    engine.pool.__class__ = _timed_pool(type(engine.pool), watch)
    return watch


def _timed_dialect(own_class: Any, clock: StatementClock) -> Any:  # noqa: ANN401 - whatever the engine's dialect is
    statements = {name: clock.timed(getattr(own_class, name)) for name in ("do_execute", "do_executemany", "do_execute_no_params")}
    endings = {name: timed_ending(getattr(own_class, name)) for name in ("do_commit", "do_rollback")}
    # SQLAlchemy asks each class by itself whether compiled statements may be kept: what a base says does not count.
    same = {"supports_statement_cache": own_class.supports_statement_cache}
    return type(own_class.__name__, (own_class,), same | statements | endings)


def _timed_pool(own_class: Any, watch: PoolWatch) -> Any:  # noqa: ANN401, C901 - the pool's own class; inline, as said above
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError  # noqa: PLC0415 - an API without an engine need not have SQLAlchemy

    holds: dict[object, Hold] = {}
    opened: dict[object, float] = {}
    get, give_back, create = own_class._do_get, own_class._do_return_conn, own_class._create_connection  # noqa: SLF001 - SQLAlchemy's own hooks
    waiting, waited, used = watch.waiting, watch.wait.observe, watch.use.observe
    clock = time.perf_counter

    class Timed(own_class):  # type: ignore[misc]  # the base is not known before
        """The pool's own class, with a watch."""

        def _do_get(self) -> Any:  # noqa: ANN401 - as the base's
            since_s = clock()
            waiting.add(since_s)
            try:
                record = get(self)
            except BaseException as error:
                watch.give_up(since_s + opened.pop(error, 0.0), timed_out=isinstance(error, PoolTimeoutError))
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
                opened[error] = clock() - since_s
                raise
            opened[record] = took_s = clock() - since_s
            watch.opened(took_s)
            return record

        @property
        def in_use(self) -> int:
            """Connections that are held now."""
            return len(holds)

    Timed.__name__ = Timed.__qualname__ = own_class.__name__
    return Timed


def _state(engine: "Engine") -> PoolState:
    """Read the pool's present state. ``engine.dispose()`` replaces the pool, so the engine is asked for it each time."""
    pool: Any = engine.pool
    kind = type(pool).__name__
    if (overflow := getattr(pool, "_max_overflow", None)) is None:
        # It has no queue: NullPool opens a connection for each use, StaticPool and SingletonThreadPool share theirs.
        return PoolState(kind=kind, idle=0, used=pool.in_use, kept=0, limit=_UNLIMITED)
    kept = pool.size()
    # A size of 0 or an overflow of -1 mean "no limit" to SQLAlchemy.
    limit = _UNLIMITED if overflow < 0 or kept == 0 else kept + overflow
    return PoolState(kind=kind, idle=pool.checkedin(), used=pool.checkedout(), kept=kept, limit=limit)
