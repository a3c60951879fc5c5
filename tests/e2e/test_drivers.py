"""Whatever a driver sends to a real PostgreSQL, and however it gets its rows: it is time in the database, and no connection lies unused."""

import io
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import psycopg
import pytest
from prometheus_client import CollectorRegistry
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from ailing.ward import a_database
from apituner.fastapi.database.pools import watch
from apituner.fastapi.measures.signals import Signals
from pooled import Request

# Thirty rows of 2 ms each, from the server.
_ROWS = "select pg_sleep(0.002) from generate_series(1, 30)"
_TOOK_S = 0.06


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database for all tests of this file; what is put into the table "slow" takes 60 ms when it is committed."""
    with a_database(tmp_path_factory.mktemp("postgres")) as started:
        with psycopg.connect(f"host={started} user=postgres dbname=postgres") as connection:
            connection.execute("create table slow (number int)")
            connection.execute("create function nap() returns trigger language plpgsql as 'begin perform pg_sleep(0.06); return null; end'")
            connection.execute(
                "create constraint trigger late after insert on slow deferrable initially deferred for each row execute function nap()"
            )
        yield started


async def _seen(use: Callable[[], Awaitable[object]]) -> Request:
    """Do something twice, and return what was seen of the second time: by then a connection is open."""
    await use()
    request = Request()
    with request.under_way():
        await use()
    return request


def _assert_busy(request: Request) -> None:
    assert request.asked().count("statement") == 1
    assert request.asked().count("hold") == 1
    database_s = request.seconds("statement") + request.seconds("database")
    assert database_s >= _TOOK_S
    # What is left is our own; a machine that does other things meanwhile may take half as much again.
    assert request.seconds("hold") - database_s < _TOOK_S / 2


async def _prepared(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
    await (await connection.prepare(_ROWS)).fetch()


async def _cursor(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
    async for _ in connection.cursor(_ROWS, prefetch=10):
        """Have it."""


async def _cursor_by_hand(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
    cursor = await connection.cursor(_ROWS)
    await cursor.forward(15)
    while await cursor.fetch(10):
        """Have them."""


async def _copy(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
    await connection.copy_from_query(_ROWS, output=io.BytesIO())


async def _committed(connection: Any) -> None:  # noqa: ANN401 - any library's
    await connection.execute("insert into slow values (1)")


async def _fetched(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
    await connection.fetch(_ROWS)


@pytest.mark.parametrize("use", [_fetched, _prepared, _cursor, _cursor_by_hand, _copy, _committed])
async def test_asyncpg_is_seen_through(use: Callable[[Any], Awaitable[None]], host: str) -> None:
    """Its query loggers would be told of the first way alone."""
    async with asyncpg.create_pool(host=host, user="postgres", database="postgres", min_size=1, max_size=1) as pool:
        watch("main", pool, Signals(CollectorRegistry()))

        async def used() -> None:
            async with pool.acquire() as connection, connection.transaction():
                await use(connection)

        _assert_busy(await _seen(used))


async def _executed(connection: Any) -> None:  # noqa: ANN401 - psycopg's
    await connection.execute(_ROWS)


async def _server_cursor(connection: Any) -> None:  # noqa: ANN401 - psycopg's
    async with connection.cursor("rows") as cursor:
        await cursor.execute(_ROWS)
        while await cursor.fetchmany(10):
            """Have them."""


async def _streamed(connection: Any) -> None:  # noqa: ANN401 - psycopg's
    async for _ in connection.cursor().stream(_ROWS):
        """Have it."""


async def _copied(connection: Any) -> None:  # noqa: ANN401 - psycopg's
    async with connection.cursor().copy(f"copy ({_ROWS}) to stdout") as copy:
        async for _ in copy:
            """Have it."""


async def _in_a_transaction(connection: Any) -> None:  # noqa: ANN401 - psycopg's
    async with connection.transaction():
        await connection.execute("insert into slow values (1)")


@pytest.mark.parametrize("use", [_executed, _server_cursor, _streamed, _copied, _committed, _in_a_transaction])
async def test_psycopg_is_seen_through(use: Callable[[Any], Awaitable[None]], host: str) -> None:
    """Of these its cursors execute some, and fetch or commit others."""
    pool = AsyncConnectionPool(f"host={host} user=postgres dbname=postgres", open=False, min_size=1)
    watch("main", pool, Signals(CollectorRegistry()))

    async def used() -> None:
        async with pool.connection() as connection:
            await use(connection)

    async with pool:
        _assert_busy(await _seen(used))


async def _all_at_once(connection: AsyncConnection) -> None:
    await connection.execute(text(_ROWS))


async def _part_by_part(connection: AsyncConnection) -> None:
    async for _ in await connection.stream(text(_ROWS)):
        """Have it."""


async def _changed(connection: AsyncConnection) -> None:
    await connection.execute(text("insert into slow values (1)"))


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
@pytest.mark.parametrize("use", [_all_at_once, _part_by_part, _changed])
async def test_sqlalchemy_is_seen_through(use: Callable[[AsyncConnection], Awaitable[None]], driver: str, host: str) -> None:
    """A stream asks for its rows long after it was executed, and a transaction is committed after all."""
    engine = create_async_engine(f"postgresql+{driver}://postgres@/postgres?host={host}", pool_pre_ping=True)
    watch("main", engine, Signals(CollectorRegistry()))

    async def used() -> None:
        async with engine.begin() as connection:
            await use(connection)

    _assert_busy(await _seen(used))
    await engine.dispose()
