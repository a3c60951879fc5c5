"""The real pool of asyncpg, over connections that answer at once. What only a server can say is tried in tests/e2e."""

import asyncio
from types import SimpleNamespace
from typing import Any, Self

import asyncpg
import pytest

from apituner.fastapi.database.asyncpg_pool import watch_pool
from apituner.fastapi.database.watch import PoolWatch
from pooled import Exported, Request

_OPENING_S = _PREPARING_S = 0.02


class _Protocol:
    """The other end of a connection."""

    queries_count = 0

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.connected = True

    def is_connected(self) -> bool:
        return self.connected

    def abort(self) -> None:
        self.connected = False

    def is_in_transaction(self) -> bool:
        return False

    def _is_cancelling(self) -> bool:
        return False

    def get_settings(self) -> Any:  # noqa: ANN401 - asyncpg's
        return SimpleNamespace(server_version="17.0")

    async def query(self, sql: str, _timeout: float | None) -> str:
        self.sent.append(sql)
        return "OK"

    async def answer(self, *_: object) -> None:
        """Answer nothing."""

    async def close(self, _timeout: float | None) -> None:
        self.connected = False

    async def prepare(self, *_: object) -> None:
        await asyncio.sleep(_PREPARING_S)

    bind = bind_execute = bind_execute_many = execute = close_portal = close_statement = copy_in = copy_out = answer


class _World:
    """A watched pool of at most two connections."""

    def __init__(self, exported: Exported, *, opening_s: float = 0, timeout: str = "") -> None:
        self._opening_s = opening_s
        self.pool: Any = asyncpg.create_pool(min_size=0, max_size=2, connect=self._connect, max_inactive_connection_lifetime=0)
        self.watch: PoolWatch = watch_pool("main", self.pool, exported.signals, {"DB_POOL_TIMEOUT": timeout})

    async def __aenter__(self) -> Self:
        await self.pool
        return self

    async def __aexit__(self, *_: object) -> None:
        self.pool.terminate()

    async def _connect(self, *_: object, loop: asyncio.AbstractEventLoop, **__: object) -> asyncpg.Connection:
        await asyncio.sleep(self._opening_s)
        config = SimpleNamespace(statement_cache_size=100, max_cached_statement_lifetime=300)
        return asyncpg.Connection(_Protocol(), None, loop, None, config, None)


async def test_opening_a_connection_is_timed_and_no_wait_for_one(exported: Exported) -> None:
    """It is taken off the wait: else a cold pool would look like a small one."""
    async with _World(exported, opening_s=_OPENING_S) as world:
        await world.pool.execute("select 1")
    assert (exported.pool("create_time_seconds_count"), exported.pool("wait_time_seconds_count")) == (1, 1)
    assert exported.pool("create_time_seconds_sum") >= _OPENING_S
    assert exported.pool("wait_time_seconds_sum") < _OPENING_S


async def test_the_time_out_of_the_environment_ends_a_wait(exported: Exported) -> None:
    """The library itself waits for ever; who waits in vain is counted, and waits no more."""
    async with _World(exported, timeout="0.03") as world, world.pool.acquire(), world.pool.acquire():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5), world.pool.acquire():
                """Not reached."""
        world.watch.publish()
        assert exported.pool("pending_requests") == 0
    assert exported.pool("timeouts_total") == 1
    assert exported.pool("wait_time_seconds_count") == 3
    assert exported.pool("wait_time_seconds_sum") >= 0.03


async def test_gauges_tell_the_state_of_the_pool(exported: Exported) -> None:
    """Who waits, what is held and what lies idle."""
    async with _World(exported) as world:
        async with world.pool.acquire(), world.pool.acquire():
            waiting = asyncio.create_task(world.pool.execute("select 1"))
            await asyncio.sleep(0)
            world.watch.publish()
            assert exported.pool("pending_requests") == 1
        await waiting
        async with world.pool.acquire():
            world.watch.publish()
    states = {state: exported.pool("count", db_client_connection_state=state) for state in ("idle", "used")}
    assert states == {"idle": 1, "used": 1}
    assert [exported.pool(name) for name in ("max", "idle_max", "pending_requests")] == [2, 0, 0]


async def test_what_asyncpg_sends_itself_is_no_statement(exported: Exported, request_under_way: Request) -> None:
    """The beginning and the end of a transaction and the reset when a connection is given back: time in the database, and no more."""
    async with _World(exported) as world, world.pool.acquire() as connection, connection.transaction():
        await connection.execute("insert into orders values (1)")
    assert exported.statements() == 1
    assert request_under_way.asked() == ["wait", "database", "statement", "database", "database", "hold"]


async def test_a_connection_that_is_closed_in_use_is_forgotten(exported: Exported, request_under_way: Request) -> None:
    """Who closes it need not give it back; who has its place in the pool next is not mistaken for it."""
    async with _World(exported) as world:
        for _ in range(3):
            closed = await world.pool.acquire()
            await closed.close()
        held = await world.pool.acquire()
        await world.pool.release(closed)
        assert exported.pool("use_time_seconds_count") == 0
        await world.pool.release(held)
    assert exported.pool("use_time_seconds_count") == 1
    assert request_under_way.asked().count("hold") == 1


async def test_a_pool_that_two_apps_have_is_watched_once(exported: Exported) -> None:
    """A statement is one statement; of another registry the newest watcher has it."""
    async with _World(exported) as world:
        assert watch_pool("main", world.pool, exported.signals) is world.watch
        await world.pool.execute("select 1")
        assert exported.statements() == 1
        other = Exported()
        watch_pool("main", world.pool, other.signals)
        await world.pool.execute("select 1")
    assert (exported.statements(), other.statements()) == (1, 1)
    assert (exported.pool("use_time_seconds_count"), other.pool("use_time_seconds_count")) == (1, 1)


async def test_cursors_and_copies_and_what_was_prepared_are_time_in_the_database(exported: Exported, request_under_way: Request) -> None:
    """To prepare a statement is a part of executing it, and each further part of a cursor's rows is one of its statement."""
    async with _World(exported) as world, world.pool.acquire() as connection:
        sender = connection._con._protocol
        for send in ("prepare", "bind_execute", "execute", "close_portal", "bind", "copy_in", "copy_out", "bind_execute_many"):
            await getattr(sender, send)()
        request_under_way.exchange.finished = True
    assert exported.statements() == 5
    took_s = exported.read("db_client_operation_duration_seconds_sum", db_system_name="postgresql")
    assert took_s >= _PREPARING_S
    assert request_under_way.asked() == [
        *("wait", "database", "statement"),
        *("database", "database", "statement", "statement", "statement", "statement"),
    ]
    assert len(request_under_way.late_s) == 1
