"""The same database by each of the drivers that are watched: a connection held, and statements sent on it."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

from apituner.fastapi import Instrumentation, pool_settings

HOST = os.environ.get("DATABASE_HOST", "")

Run = Callable[[str], Awaitable[Any]]
"""Send a statement; return its only value."""


class Database(Protocol):
    """One pool."""

    engine: Any
    """What ``instrument()`` is given; None where the pool is made later."""

    async def start(self, observed: Instrumentation) -> None:
        """Open the pool, on the event loop."""

    async def stop(self) -> None:
        """Close it."""

    def hold(self) -> Any:  # noqa: ANN401 - an asynchronous context manager that gives a `Run`
        """Hold a connection."""


class BySqlalchemy:
    """SQLAlchemy's async engine on asyncpg."""

    def __init__(self) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - each driver alone

        self.engine = create_async_engine(f"postgresql+asyncpg://postgres@/postgres?host={HOST}", **pool_settings())

    async def start(self, observed: Instrumentation) -> None:
        """Nothing: it opens its connections when they are needed."""

    async def stop(self) -> None:
        """Close them."""
        await self.engine.dispose()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Run]:
        """Hold a connection in a transaction."""
        from sqlalchemy import text  # noqa: PLC0415 - each driver alone

        async with self.engine.connect() as connection:

            async def run(statement: str) -> object:
                return (await connection.execute(text(statement))).scalar()

            yield run


class ByAsyncpg:
    """The pool of asyncpg, made in the lifespan, as its documentation has it."""

    engine = None

    async def start(self, observed: Instrumentation) -> None:
        """Make the pool and have it watched."""
        import asyncpg  # noqa: PLC0415 - each driver alone

        self._pool = await asyncpg.create_pool(host=HOST, user="postgres", database="postgres", **pool_settings("asyncpg"))
        observed.watch(self._pool)

    async def stop(self) -> None:
        """Close it."""
        await self._pool.close()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Run]:
        """Hold a connection in a transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            yield connection.fetchval


class ByPsycopg:
    """The async pool of psycopg."""

    def __init__(self) -> None:
        from psycopg_pool import AsyncConnectionPool  # noqa: PLC0415 - each driver alone

        self.engine = AsyncConnectionPool(f"host={HOST} user=postgres dbname=postgres", open=False, **pool_settings("psycopg"))

    async def start(self, observed: Instrumentation) -> None:  # noqa: ARG002 - the others'
        """Open it."""
        await self.engine.open(wait=True)

    async def stop(self) -> None:
        """Close it."""
        await self.engine.close()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Run]:
        """Hold a connection in a transaction."""
        async with self.engine.connection() as connection:

            async def run(statement: str) -> object:
                row = await (await connection.execute(statement)).fetchone()
                return row[0] if row else None

            yield run


DRIVERS: dict[str, Callable[[], Database]] = {"sqlalchemy": BySqlalchemy, "asyncpg": ByAsyncpg, "psycopg": ByPsycopg}
