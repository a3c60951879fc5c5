"""What the environment says: the size of the connection pool, and where the metrics are served."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict, overload

# The port that OpenTelemetry's Prometheus exporter uses, so that it is known and rarely taken.
_METRICS_PORT = 9464


class SqlalchemyPool(TypedDict, total=False):
    """The keyword arguments of SQLAlchemy's ``create_engine`` and ``create_async_engine`` that size a pool."""

    pool_size: int
    max_overflow: int
    pool_timeout: float


class AsyncpgPool(TypedDict, total=False):
    """The keyword arguments of asyncpg's ``create_pool`` that size a pool."""

    min_size: int
    max_size: int


class PsycopgPool(TypedDict, total=False):
    """The keyword arguments of psycopg_pool's ``ConnectionPool`` and ``AsyncConnectionPool`` that size a pool."""

    min_size: int
    max_size: int
    timeout: float


@overload
def pool_settings(library: Literal["sqlalchemy"] = ..., *, environ: Mapping[str, str] = ...) -> SqlalchemyPool: ...
@overload
def pool_settings(library: Literal["asyncpg"], *, environ: Mapping[str, str] = ...) -> AsyncpgPool: ...
@overload
def pool_settings(library: Literal["psycopg"], *, environ: Mapping[str, str] = ...) -> PsycopgPool: ...


def pool_settings(
    library: Literal["sqlalchemy", "asyncpg", "psycopg"] = "sqlalchemy", *, environ: Mapping[str, str] = os.environ
) -> SqlalchemyPool | AsyncpgPool | PsycopgPool:
    """
    Read DB_POOL_SIZE, DB_MAX_OVERFLOW and DB_POOL_TIMEOUT (seconds), per pool and process, as keyword arguments of *library*'s pool.

    The size is what is kept open, size and overflow together are the most that may be open; what is not set is left to the library.
    SQLAlchemy takes a size of 0 and an overflow of -1 for "no limit": both are refused, since no budget could then be kept. asyncpg has
    no argument for the time-out: `apituner.fastapi.instrument` makes it the default of the pool's ``acquire()``.

        engine = create_async_engine(DATABASE_URL, **pool_settings())
        pool = asyncpg.create_pool(DATABASE_URL, **pool_settings("asyncpg"))
        pool = AsyncConnectionPool(DATABASE_URL, open=False, **pool_settings("psycopg"))

    Raises ValueError for a value that is no such number, and for another library.
    """
    if library not in ("sqlalchemy", "asyncpg", "psycopg"):
        raise ValueError(f"pool_settings() was asked for {library!r}: ask for 'sqlalchemy', 'asyncpg' or 'psycopg'")
    size = _whole(environ, "DB_POOL_SIZE", least=1, why="0 would mean a pool without a limit")
    overflow = _whole(environ, "DB_MAX_OVERFLOW", least=0, why="-1 would mean a pool without a limit")
    timeout_s = pool_timeout_s(environ)
    if library == "sqlalchemy":
        given = SqlalchemyPool()
        if size is not None:
            given["pool_size"] = size
        if overflow is not None:
            given["max_overflow"] = overflow
        if timeout_s is not None:
            given["pool_timeout"] = timeout_s
        return given
    sized = PsycopgPool()
    if size is not None:
        sized["min_size"], sized["max_size"] = size, size + (overflow or 0)
    if library == "psycopg" and timeout_s is not None:
        sized["timeout"] = timeout_s
    return sized


def pool_timeout_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """Read DB_POOL_TIMEOUT: how long to wait for a connection, in seconds; None where it is not set."""
    return _seconds(environ, "DB_POOL_TIMEOUT")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsAddress:
    """Where the metrics of this process are served: a port of its own, apart from the API's."""

    host: str = "0.0.0.0"  # noqa: S104 - Prometheus comes from another pod; a host that must not is named by the variable
    port: int = _METRICS_PORT


def metrics_address(environ: Mapping[str, str] = os.environ) -> MetricsAddress:
    """Read APITUNING_METRICS_HOST and APITUNING_METRICS_PORT; port 0 lets the system choose one."""
    port = _whole(environ, "APITUNING_METRICS_PORT", least=0, most=65535)
    return MetricsAddress(
        host=environ.get("APITUNING_METRICS_HOST", "").strip() or MetricsAddress().host,
        port=_METRICS_PORT if port is None else port,
    )


def _whole(environ: Mapping[str, str], name: str, *, least: int, most: int | None = None, why: str = "") -> int | None:
    """Read a whole number; None where the variable is not set or empty."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    because = f" ({why})" if why else ""
    try:
        value = int(text)
    except ValueError:
        raise ValueError(f"environment variable {name} is {text!r}: set it to a whole number {bounds}{because}") from None
    if value < least or (most is not None and value > most):
        raise ValueError(f"environment variable {name} is {value}: set it to a whole number {bounds}{because}")
    return value


def _seconds(environ: Mapping[str, str], name: str) -> float | None:
    """Read a positive number of seconds; None where the variable is not set or empty."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"environment variable {name} is {text!r}: set it to a number of seconds above 0, such as 5")
    return value
