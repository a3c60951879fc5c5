"""The parts of a status that tell what was seen."""

from apituner.api.conditions import Report
from apituner.api.words import Word


class Summary(Report):
    """The cells of the table that ``kubectl get apitunings`` prints."""

    replicas: Word | None = None
    """Pods, as 4→2 when a change is recommended."""
    workers: Word | None = None
    """Workers in a pod, likewise."""
    pool: Word | None = None
    """Connections in a pool, likewise."""
    latency: Word | None = None
    """The latency as observed."""
    objective: Word | None = None
    """The latency as wanted."""


class Current(Report):
    """The configuration as seen to be in force, not as configured."""

    replicas: int | None = None
    """Pods that the Deployment asks for."""
    ready_replicas: int | None = None
    """Pods that are ready."""
    workers: int | None = None
    """Worker processes of a pod."""
    pool_size: int | None = None
    """Connections that a pool keeps."""
    max_overflow: int | None = None
    """Connections that a pool may open beyond its size."""


class Observed(Report):
    """The signals of the last window, rounded; absent is what could not be trusted."""

    requests_per_second: int | None = None
    """Requests of all pods."""
    latency_milliseconds: int | None = None
    """
    The latency at the objective's percentile, as a caller feels it; without the wait for the event loop where the exporter does not tell
    of it.
    """
    over_objective_percent: int | None = None
    """The share of requests slower than the objective."""
    error_percent: int | None = None
    """The share of requests that failed with a server error."""
    pool_wait_milliseconds: int | None = None
    """How long a connection was waited for, on average."""
    pool_hold_milliseconds: int | None = None
    """How long a connection was held, on average."""
    pool_in_use: int | None = None
    """Connections in use, of all pods."""
    pool_limit: int | None = None
    """The most connections that the pools of all pods may open."""
    loop_lag_milliseconds: int | None = None
    """How late the event loops ran what was due."""
    loop_blocked_percent: int | None = None
    """The share of time in which an event loop stood still."""
    cpu_millicores: int | None = None
    """CPU used by all pods."""
    query_milliseconds: int | None = None
    """How long a query took, on average."""
    pods_reporting: int | None = None
    """Pods whose metrics were there."""
    window_seconds: int | None = None
    """How long the window was."""


class Baseline(Report):
    """What is remembered of better days, to tell slow from usual."""

    query_microseconds: int | None = None
    """The least mean query time seen, until a slower one has been the bottleneck for a day."""
