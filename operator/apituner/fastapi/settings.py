"""What the environment says: the size of the connection pool, and where the metrics are served."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

# The port that OpenTelemetry's Prometheus exporter uses, so that it is known and rarely taken.
_METRICS_PORT = 9464


class PoolSettings(TypedDict, total=False):
    """The keyword arguments of SQLAlchemy's ``create_engine`` and ``create_async_engine`` that size a pool."""

    pool_size: int
    max_overflow: int
    pool_timeout: float


def pool_settings(environ: Mapping[str, str] = os.environ) -> PoolSettings:
    """
    Read DB_POOL_SIZE, DB_MAX_OVERFLOW and DB_POOL_TIMEOUT (seconds), per engine and process; what is not set is left to SQLAlchemy.

    SQLAlchemy takes a size of 0 and an overflow of -1 for "no limit": both are refused, since no budget could then be kept.
    """
    settings = PoolSettings()
    if (size := _whole(environ, "DB_POOL_SIZE", least=1, why="0 would mean a pool without a limit")) is not None:
        settings["pool_size"] = size
    if (overflow := _whole(environ, "DB_MAX_OVERFLOW", least=0, why="-1 would mean a pool without a limit")) is not None:
        settings["max_overflow"] = overflow
    if (timeout_s := _seconds(environ, "DB_POOL_TIMEOUT")) is not None:
        settings["pool_timeout"] = timeout_s
    return settings


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
