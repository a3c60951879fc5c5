"""
The pools of psycopg, sync and async.

Their statistics are sums in whole milliseconds, so the live pool's class is replaced by one that times what it does; statements are timed
by the connection's cursor factory, which psycopg lets everybody set.
"""

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from apituner.fastapi.database.statements import StatementClock
from apituner.fastapi.database.watch import Hold, PoolState, PoolWatch
from apituner.fastapi.measures.signals import Signals

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool, ConnectionPool

    AnyPool = AsyncConnectionPool[Any] | ConnectionPool[Any]


def watch_pool(name: str, pool: "AnyPool", signals: Signals) -> PoolWatch:
    """Begin to watch *pool*, open or not yet; once per pool."""
    from psycopg_pool import AsyncConnectionPool  # noqa: PLC0415 - an API without psycopg need not have it

    watch = PoolWatch(name, signals, lambda: _state(pool))
    book = _Book(watch, StatementClock(signals, "postgresql"))
    timed = _timed_async if isinstance(pool, AsyncConnectionPool) else _timed_sync
    pool.__class__ = timed(type(pool), book)
    return watch


class _Book:
    """Who holds which connection of one pool, and how long each took to open."""

    def __init__(self, watch: PoolWatch, clock: StatementClock) -> None:
        self.watch = watch
        self._holds: dict[object, Hold] = {}
        # Weakly: one that is closed before anybody had it is never asked for.
        self._opened: WeakKeyDictionary[object, tuple[float, float]] = WeakKeyDictionary()
        self._cursors = functools.cache(functools.partial(_timed_cursor, clock))

    def opened(self, connection: object, since_s: float) -> None:
        """Note a connection that was opened by one of the pool's own workers, while a request waited for it or not."""
        now_s = time.perf_counter()
        self.watch.opened(now_s - since_s)
        self._opened[connection] = since_s, now_s

    def have(self, connection: Any, since_s: float) -> None:  # noqa: ANN401 - either kind of connection
        """Have it: of the wait, the part in which it was opened is none."""
        self.watch.waiting.discard(since_s)
        if (opened := self._opened.pop(connection, None)) is not None:
            since_s += max(0.0, opened[1] - max(opened[0], since_s))
        self._holds[connection] = self.watch.acquire(since_s)
        connection.cursor_factory = self._cursors(connection.cursor_factory)

    def give_back(self, connection: object) -> None:
        """Give it back; again, if an application does that twice, is the pool's business."""
        if (hold := self._holds.pop(connection, None)) is not None:
            self.watch.release(hold)

    def lack(self, since_s: float, error: BaseException) -> None:
        """Do without."""
        self.watch.waiting.discard(since_s)
        from psycopg_pool import PoolTimeout  # noqa: PLC0415 - an API without psycopg need not have it

        self.watch.give_up(since_s, timed_out=isinstance(error, PoolTimeout))


def _timed_async(own_class: Any, book: _Book) -> Any:  # noqa: ANN401 - the pool's own class
    class Timed(own_class):  # type: ignore[misc]  # the base is not known before
        """The pool's own class, with a watch."""

        async def getconn(self, timeout: float | None = None) -> Any:  # noqa: ANN401, ASYNC109 - as the base's
            since_s = book.watch.begin()
            try:
                connection = await super().getconn(timeout)
            except BaseException as error:
                book.lack(since_s, error)
                raise
            book.have(connection, since_s)
            return connection

        async def putconn(self, conn: Any) -> None:  # noqa: ANN401 - as the base's
            book.give_back(conn)
            await super().putconn(conn)

        async def _connect(self, timeout: float | None = None) -> Any:  # noqa: ANN401, ASYNC109 - as the base's
            since_s = time.perf_counter()
            connection = await super()._connect(timeout)
            book.opened(connection, since_s)
            return connection

    return _named(Timed, own_class)


def _timed_sync(own_class: Any, book: _Book) -> Any:  # noqa: ANN401 - the pool's own class
    class Timed(own_class):  # type: ignore[misc]  # the base is not known before
        """The pool's own class, with a watch."""

        def getconn(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - as the base's
            since_s = book.watch.begin()
            try:
                connection = super().getconn(timeout)
            except BaseException as error:
                book.lack(since_s, error)
                raise
            book.have(connection, since_s)
            return connection

        def putconn(self, conn: Any) -> None:  # noqa: ANN401 - as the base's
            book.give_back(conn)
            super().putconn(conn)

        def _connect(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - as the base's
            since_s = time.perf_counter()
            connection = super()._connect(timeout)
            book.opened(connection, since_s)
            return connection

    return _named(Timed, own_class)


def _named(timed: Any, own_class: Any) -> Any:  # noqa: ANN401 - either kind of pool
    timed.__name__ = timed.__qualname__ = own_class.__name__
    return timed


def _timed_cursor(clock: StatementClock, own_class: Any) -> Any:  # noqa: ANN401 - either kind of cursor
    """Return a cursor class that times what it executes; one that is timed is returned as it is."""
    if getattr(own_class, "is_timed_by_apituner", False):
        return own_class
    from psycopg import AsyncCursor  # noqa: PLC0415 - an API without psycopg need not have it

    timed: Callable[[Any], Any] = clock.timed_async if issubclass(own_class, AsyncCursor) else clock.timed
    methods = {name: timed(getattr(own_class, name)) for name in ("execute", "executemany")}
    return type(own_class.__name__, (own_class,), {**methods, "is_timed_by_apituner": True})


def _state(pool: "AnyPool") -> PoolState:
    stats = pool.get_stats()
    size, idle = stats["pool_size"], stats["pool_available"]
    return PoolState(kind=type(pool).__name__, idle=idle, used=size - idle, kept=pool.min_size, limit=pool.max_size)
