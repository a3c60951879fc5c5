"""
The pools of psycopg, sync and async.

Their statistics are sums in whole milliseconds, so the live pool's class is replaced by one that times what it does.
"""

import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from apituner.fastapi.database.psycopg_connections import ConnectionClock
from apituner.fastapi.database.statements import StatementClock
from apituner.fastapi.database.watch import Hold, PoolState, PoolWatch, own_class, watch_of
from apituner.fastapi.measures.signals import Signals

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool, ConnectionPool

    AnyPool = AsyncConnectionPool[Any] | ConnectionPool[Any]

_UNLIMITED = float("inf")


def watch_pool(name: str, pool: "AnyPool", signals: Signals) -> PoolWatch:
    """Begin to watch *pool*, open or not yet; one that is watched already keeps its name."""
    from psycopg_pool import AsyncConnectionPool  # noqa: PLC0415 - an API without psycopg need not have it

    if (known := watch_of(pool, signals)) is not None:
        return known
    watch = PoolWatch(name, signals, lambda: _state(pool, book))
    book = _Book(watch, ConnectionClock(StatementClock(signals, "postgresql")))
    timed = _timed_async if isinstance(pool, AsyncConnectionPool) else _timed_sync
    pool.__class__ = timed(own_class(type(pool)), book)
    return watch


class _Book:
    """Who holds which connection of one pool, and how long each took to open."""

    def __init__(self, watch: PoolWatch, clock: ConnectionClock) -> None:
        self.watch = watch
        self._holds: dict[object, Hold] = {}
        # Weakly: one that is closed before anybody had it is never asked for.
        self._opened: WeakKeyDictionary[object, tuple[float, float]] = WeakKeyDictionary()
        self._clock = clock

    @property
    def in_use(self) -> int:
        """Connections that are held now."""
        return len(self._holds)

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
        if getattr(connection, "apituner_clock", None) is not self._clock:
            self._clock.begin(connection)

    def give_back(self, connection: object) -> None:
        """Give it back; again, if an application does that twice, is the pool's business."""
        if (hold := self._holds.pop(connection, None)) is not None:
            self.watch.release(hold)

    def lack(self, since_s: float, error: BaseException) -> None:
        """Do without."""
        self.watch.waiting.discard(since_s)
        from psycopg_pool import PoolTimeout  # noqa: PLC0415 - an API without psycopg need not have it

        self.watch.give_up(since_s, timed_out=isinstance(error, PoolTimeout))


def _timed_async(own: Any, book: _Book) -> Any:  # noqa: ANN401 - the pool's own class
    class Timed(own):  # type: ignore[misc]  # the base is not known before
        """The pool's own class, with a watch."""

        apituner_watch, apituner_own_class = book.watch, own

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

    return _named(Timed, own)


def _timed_sync(own: Any, book: _Book) -> Any:  # noqa: ANN401 - the pool's own class
    class Timed(own):  # type: ignore[misc]  # the base is not known before
        """The pool's own class, with a watch."""

        apituner_watch, apituner_own_class = book.watch, own

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

    return _named(Timed, own)


def _named(timed: Any, own: Any) -> Any:  # noqa: ANN401 - either kind of pool
    timed.__name__ = timed.__qualname__ = own.__name__
    return timed


def _state(pool: "AnyPool", book: _Book) -> PoolState:
    # Of its size the pool has those, too, that are still being opened, also where it is not open yet or the database is away.
    idle, limit = pool.get_stats()["pool_available"], pool.max_size
    # A size of 0 means "no limit" to a NullConnectionPool, and no other pool may have it.
    return PoolState(kind=type(pool).__name__, idle=idle, used=book.in_use, kept=pool.min_size, limit=limit or _UNLIMITED)
