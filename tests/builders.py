"""Made-up values with sensible defaults: a test names only what it is about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apituner.core.configuration import Configuration, Knob
from apituner.core.memory import Memory
from apituner.core.policy import Bounds, ConnectionLimit, Mode, Objective, Policy
from apituner.core.situation import Situation
from apituner.core.snapshot import Absence, Exporter, Signal, Snapshot
from apituner.core.workload import Setting, SettingName, SettingSource, Workload

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def a_configuration(replicas: int = 2, workers: int = 1, pool_size: int = 2, max_overflow: int = 0) -> Configuration:
    """Return the starved configuration of the stories."""
    return Configuration(replicas=replicas, workers=workers, pool_size=pool_size, max_overflow=max_overflow)


def a_policy(**changes: Any) -> Policy:  # noqa: ANN401 - any field of a Policy
    """Return p95 of 250 ms, all three knobs, at most 90 connections, acting by itself."""
    policy = Policy(
        mode=Mode.AUTO,
        suspended=False,
        objective=Objective(percentile=95, latency_s=0.25, error_ratio=0.01),
        knobs={
            Knob.REPLICAS: Bounds(least=2, most=12),
            Knob.WORKERS: Bounds(least=1, most=1),
            Knob.POOL: Bounds(least=2, most=30),
        },
        sets_overflow=True,
        engines_per_worker=1,
        connection_limit=ConnectionLimit(connections=90, because="100 less 10 reserved"),
        takes_fields=False,
        cooldown_s=600,
        changes_per_day=6,
        stabilization_s=30,
    )
    return replace(policy, **changes)


def a_setting(value: int | None, variable: str = "DB_POOL_SIZE", **changes: Any) -> Setting:  # noqa: ANN401
    """Return a literal of the container's env that nobody else owns."""
    return replace(Setting(variable=variable, value=value, source=SettingSource.ENV), **changes)


def a_workload(at: Configuration | None = None, **changes: Any) -> Workload:  # noqa: ANN401 - any field of a Workload
    """Return a Deployment at rest, rolled out an hour ago."""
    at = at or a_configuration()
    workload = Workload(
        replicas=at.replicas,
        ready_replicas=at.replicas,
        updated_replicas=at.replicas,
        total_replicas=at.replicas,
        generation=7,
        observed_generation=7,
        resource_version="1000",
        rolled_out_at=NOON - timedelta(hours=1),
        written_at=None,
        cpu_request_cores=0.5,
        cpu_limit_cores=1.0,
        memory_limit_bytes=512 * 2**20,
        settings={
            SettingName.WORKERS: a_setting(at.workers, "WEB_CONCURRENCY"),
            SettingName.POOL_SIZE: a_setting(at.pool_size),
            SettingName.MAX_OVERFLOW: a_setting(at.max_overflow, "DB_MAX_OVERFLOW"),
        },
    )
    return replace(workload, **changes)


def a_snapshot(
    at: Configuration | None = None,
    *,
    absent: Mapping[Signal, Absence] | None = None,
    taken_at: datetime = NOON,
    pods_reporting: int | None = None,
    **readings: float,
) -> Snapshot:
    """
    Return a starved pool: 90 requests per second hold a connection for 40 ms each, four connections in all.

    *readings* name signals by their wire name; those in *absent* are left out.
    """
    at = at or a_configuration()
    starved: dict[Signal, float] = {
        Signal.REQUESTS_RPS: 90,
        Signal.ERRORS_RATIO: 0,
        Signal.IN_FLIGHT: 60,
        Signal.LATENCY_MEAN_S: 0.4,
        Signal.LATENCY_OBJECTIVE_S: 0.9,
        Signal.OVER_OBJECTIVE_RATIO: 0.6,
        Signal.CPU_CORES: 0.4,
        Signal.LOOP_CPU_CORES: 0.36,
        Signal.LOOP_LAG_MEAN_S: 0.002,
        Signal.LOOP_LAG_P99_S: 0.01,
        Signal.LOOP_BLOCKED_RATIO: 0,
        Signal.POOL_WAIT_MEAN_S: 0.35,
        Signal.POOL_HOLD_MEAN_S: 0.04,
        Signal.POOL_ACQUISITIONS_RPS: 90,
        Signal.POOL_TIMEOUTS_RPS: 0,
        Signal.POOL_IN_USE: 3.6,
        Signal.POOL_LIMIT: at.replicas * at.workers * at.pool_limit,
        Signal.POOL_OVERFLOW: at.replicas * at.workers * at.max_overflow,
        Signal.QUERIES_RPS: 90,
        Signal.QUERY_MEAN_S: 0.035,
        Signal.WORKERS_ALIVE: at.replicas * at.workers,
        Signal.WORKER_RSS_MAX_BYTES: 90 * 2**20,
    }
    starved |= {Signal(name): value for name, value in readings.items()}
    absent = absent or {}
    return Snapshot(
        taken_at=taken_at,
        window_s=60,
        pods_reporting=at.replicas if pods_reporting is None else pods_reporting,
        readings={signal: value for signal, value in starved.items() if signal not in absent},
        absent=absent,
        exporter=Exporter(name="apituner.fastapi", note="its latency ends with the response"),
    )


HEALTHY: dict[str, Any] = {"latency_mean_s": 0.05, "latency_objective_s": 0.1, "over_objective_ratio": 0.0, "pool_wait_mean_s": 0.0}
"""Readings of an API that meets its objective."""


def a_situation(at: Configuration | None = None, **changes: Any) -> Situation:  # noqa: ANN401 - any field of a Situation
    """Return the starved API, its bottleneck seen for long enough."""
    situation = Situation(workload=a_workload(at), seen=a_snapshot(at), policy=a_policy(), memory=Memory(), now=NOON)
    return replace(situation, **changes)
