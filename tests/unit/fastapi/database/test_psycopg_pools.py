"""The real pools of psycopg, over connections that answer at once. What only a server can say is tried in tests/e2e."""

import asyncio
from types import SimpleNamespace
from typing import Any, Self

import pytest
from psycopg import AsyncConnection, AsyncCursor, AsyncServerCursor, Connection, pq
from psycopg_pool import AsyncConnectionPool, ConnectionPool, NullConnectionPool, PoolTimeout

from apituner.fastapi.database.psycopg_pools import watch_pool
from apituner.fastapi.database.watch import PoolWatch
from pooled import Exported, Request

_OPENING_S = 0.02


class _PgConn(SimpleNamespace):
    """libpq's end of a connection."""

    status, transaction_status = pq.ConnStatus.OK, pq.TransactionStatus.IDLE

    def finish(self) -> None:
        self.status, self.transaction_status = pq.ConnStatus.BAD, pq.TransactionStatus.UNKNOWN


class _Cursor(AsyncCursor[Any]):
    async def execute(self, *_: Any, **__: Any) -> Self:  # noqa: ANN401 - as the base's
        await self._conn.wait(iter(()))  # type: ignore[arg-type]  # what is waited for is nothing here
        return self


class _ServerCursor(_Cursor, AsyncServerCursor[Any]):
    async def close(self) -> None:
        self._closed = True


class _Connection(AsyncConnection[Any]):
    @classmethod
    async def connect(cls, *_: Any, **given: Any) -> Self:  # noqa: ANN401 - as the base's
        await asyncio.sleep(given["opening_s"])
        made = cls(_PgConn())  # type: ignore[arg-type]  # as much of one as the pool asks for
        made.cursor_factory, made.server_cursor_factory = _Cursor, _ServerCursor
        return made

    async def wait(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as the base's
        """Have it at once."""


class _World:
    """A watched pool of at most two connections."""

    def __init__(self, exported: Exported, *, opening_s: float = 0) -> None:
        given = {"opening_s": opening_s}
        self.pool: Any = AsyncConnectionPool(open=False, min_size=0, max_size=2, connection_class=_Connection, kwargs=given)
        self.watch: PoolWatch = watch_pool("main", self.pool, exported.signals)

    async def __aenter__(self) -> Self:
        await self.pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.close()


async def test_opening_a_connection_is_timed_and_no_wait_for_one(exported: Exported) -> None:
    """One of the pool's own workers opens it meanwhile: that is taken off the wait, else a cold pool would look like a small one."""
    async with _World(exported, opening_s=_OPENING_S) as world, world.pool.connection():
        """Nothing."""
    assert (exported.pool("create_time_seconds_count"), exported.pool("wait_time_seconds_count")) == (1, 1)
    assert exported.pool("create_time_seconds_sum") >= _OPENING_S
    assert exported.pool("wait_time_seconds_sum") < _OPENING_S


async def test_a_time_out_is_counted_and_its_wait_observed(exported: Exported) -> None:
    """Who waits in vain waits the longest, and waits no more."""
    async with _World(exported) as world, world.pool.connection(), world.pool.connection():
        with pytest.raises(PoolTimeout):
            await world.pool.getconn(timeout=0.03)
        world.watch.publish()
        assert exported.pool("pending_requests") == 0
    assert (exported.pool("timeouts_total"), exported.pool("wait_time_seconds_count")) == (1, 3)
    assert exported.pool("wait_time_seconds_sum") >= 0.03


async def test_gauges_tell_the_state_of_the_pool(exported: Exported) -> None:
    """Who waits, what is held and what lies idle."""
    async with _World(exported) as world:
        async with world.pool.connection(), world.pool.connection():
            waiting = asyncio.create_task(world.pool.getconn())
            await asyncio.sleep(0)
            world.watch.publish()
            assert exported.pool("pending_requests") == 1
        await world.pool.putconn(await waiting)
        async with world.pool.connection():
            world.watch.publish()
    states = {state: exported.pool("count", db_client_connection_state=state) for state in ("idle", "used")}
    assert states == {"idle": 1, "used": 1}
    assert [exported.pool(name) for name in ("max", "idle_max", "pending_requests")] == [2, 0, 0]


async def test_a_pool_that_is_not_open_yet_is_not_in_use(exported: Exported) -> None:
    """Its own statistics count what it means to open; and a database that is away would make it look starved."""
    pool = AsyncConnectionPool[Any](open=False, min_size=4)
    watch_pool("main", pool, exported.signals).publish()
    assert exported.pool("count", db_client_connection_state="used") == 0


def test_a_null_pool_without_a_limit_says_so(exported: Exported) -> None:
    """A size of 0 means "no limit" to it, which no budget can hold."""
    watch_pool("main", NullConnectionPool(open=False), exported.signals).publish()
    assert exported.pool("max") == float("inf")


@pytest.mark.parametrize("cursor", [pytest.param("", id="an ordinary cursor"), pytest.param("rows", id="a cursor of the server")])
async def test_all_that_the_database_is_waited_for_is_its_time(cursor: str, exported: Exported, request_under_way: Request) -> None:
    """A statement is counted, its time is that of the connection's waiting; so is the commit, which is no statement."""
    async with _World(exported) as world, world.pool.connection() as connection, connection.cursor(cursor) as opened:
        await opened.execute("select 1")
    assert exported.statements() == 1
    assert request_under_way.asked() == ["wait", "database", "statement", "database", "hold"]
    assert request_under_way.seconds("statement") == 0


async def test_a_watched_connection_is_still_what_it_was(exported: Exported) -> None:
    """Applications ask for its class, and log it."""
    async with _World(exported) as world, world.pool.connection() as connection:
        assert isinstance(connection, _Connection)
        assert (type(connection).__module__, type(connection).__name__) == (_Connection.__module__, "_Connection")


async def test_a_pool_that_two_apps_have_is_watched_once(exported: Exported) -> None:
    """A statement is one statement; of another registry the newest watcher has it."""
    async with _World(exported) as world:
        assert watch_pool("main", world.pool, exported.signals) is world.watch
        async with world.pool.connection() as connection:
            await connection.execute("select 1")
        other = Exported()
        watch_pool("main", world.pool, other.signals)
        async with world.pool.connection() as connection:
            await connection.execute("select 1")
    assert (exported.statements(), other.statements()) == (1, 1)
    assert (exported.pool("use_time_seconds_count"), other.pool("use_time_seconds_count")) == (1, 1)


def test_threads_are_watched_as_tasks_are(exported: Exported, request_under_way: Request) -> None:
    """The sync pool opens its connections in threads of its own; what it lends is charged to who has it."""

    class SyncConnection(Connection[Any]):
        @classmethod
        def connect(cls, *_: Any, **__: Any) -> Self:  # noqa: ANN401 - as the base's
            return cls(_PgConn())  # type: ignore[arg-type]  # as much of one as the pool asks for

        def wait(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as the base's
            """Have it at once."""

    pool = ConnectionPool(open=False, min_size=0, max_size=1, connection_class=SyncConnection)
    watch_pool("main", pool, exported.signals)
    with pool:
        with pool.connection(), pytest.raises(PoolTimeout):
            pool.getconn(timeout=0.03)
        assert request_under_way.asked() == ["wait", "wait", "database", "hold"]
    names = ("create_time_seconds_count", "wait_time_seconds_count", "use_time_seconds_count", "timeouts_total")
    assert [exported.pool(name) for name in names] == [1, 2, 1, 1]
