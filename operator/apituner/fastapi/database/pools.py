"""Which library a pool or an engine is of. Nothing is imported that the application has not imported itself."""

import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from apituner.fastapi.database.watch import PoolWatch
from apituner.fastapi.measures.signals import Signals

if TYPE_CHECKING:
    from asyncpg.pool import Pool
    from psycopg_pool import AsyncConnectionPool, ConnectionPool
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    AnyPool: TypeAlias = Engine | AsyncEngine | Pool | AsyncConnectionPool[Any] | ConnectionPool[Any]
    Pools: TypeAlias = AnyPool | Mapping[str, AnyPool]

_log = logging.getLogger("apituner.fastapi")

# As long as a name in Kubernetes may be.
_LONGEST_NAME = 63


def named(pools: "Pools | None") -> "Mapping[str, AnyPool]":
    """Give a single pool its name, "main"."""
    return pools if isinstance(pools, Mapping) else {} if pools is None else {"main": pools}


def watch(name: str, pool: "AnyPool", signals: Signals) -> PoolWatch:
    """Begin to watch *pool* under *name*; TypeError where it is none of the known libraries'."""
    if not 0 < len(name) <= _LONGEST_NAME:
        raise ValueError(
            f"a pool is named {name[:_LONGEST_NAME]!r}: give it a name of 1 to {_LONGEST_NAME} characters, for it becomes a label"
        )
    given: Any = pool
    engine: Any = getattr(pool, "sync_engine", pool)
    if _is(engine, "sqlalchemy", "Engine"):
        from apituner.fastapi.database.sqlalchemy_engine import watch_engine  # noqa: PLC0415 - only where the application has it

        watched = watch_engine(name, engine, signals)
    elif _is(pool, "asyncpg.pool", "Pool"):
        from apituner.fastapi.database import asyncpg_pool  # noqa: PLC0415 - only where the application has it

        watched = asyncpg_pool.watch_pool(name, given, signals)
    elif _is(pool, "psycopg_pool", "AsyncConnectionPool", "ConnectionPool"):
        from apituner.fastapi.database import psycopg_pools  # noqa: PLC0415 - only where the application has it

        watched = psycopg_pools.watch_pool(name, given, signals)
    else:
        raise TypeError(
            f"pool {name!r} is a {type(pool).__name__}: give an engine of SQLAlchemy, a Pool of asyncpg, a pool of psycopg_pool, "
            "or a mapping from names to these"
        )
    if watched.name != name:
        _log.warning("pool %r is the pool %r, which is watched already: its figures stand under that name", name, watched.name)
    return watched


def _is(pool: object, module: str, *classes: str) -> bool:
    """Whether it is an instance of a class of a module that may not be imported."""
    known = sys.modules.get(module)
    return known is not None and isinstance(pool, tuple(getattr(known, name) for name in classes))
