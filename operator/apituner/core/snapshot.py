"""What was seen of an API over one window, and what was not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Signal(StrEnum):
    """
    A figure about an API, summed or averaged over its ready pods and the window.

    The unit stands last in the name: ``_rps`` per second, ``_s`` seconds, ``_ratio`` 0 to 1, ``_bytes``, ``_cores``; counts have none.
    """

    REQUESTS_RPS = "requests_rps"
    ERRORS_RATIO = "errors_ratio"
    IN_FLIGHT = "in_flight"
    LATENCY_MEAN_S = "latency_mean_s"
    LATENCY_OBJECTIVE_S = "latency_objective_s"
    OVER_OBJECTIVE_RATIO = "over_objective_ratio"
    CPU_CORES = "cpu_cores"
    LOOP_CPU_CORES = "loop_cpu_cores"
    WORKER_CPU_MAX_RATIO = "worker_cpu_max_ratio"
    THROTTLED_RATIO = "throttled_ratio"
    LOOP_LAG_MEAN_S = "loop_lag_mean_s"
    LOOP_LAG_P99_S = "loop_lag_p99_s"
    LOOP_BLOCKED_RATIO = "loop_blocked_ratio"
    POOL_WAIT_MEAN_S = "pool_wait_mean_s"
    POOL_HOLD_MEAN_S = "pool_hold_mean_s"
    POOL_ACQUISITIONS_RPS = "pool_acquisitions_rps"
    POOL_IN_USE = "pool_in_use"
    POOL_LIMIT = "pool_limit"
    POOL_OVERFLOW = "pool_overflow"
    POOL_TIMEOUTS_RPS = "pool_timeouts_rps"
    QUERIES_RPS = "queries_rps"
    QUERY_MEAN_S = "query_mean_s"
    QUERIES_IN_SERIALIZATION_RATIO = "queries_in_serialization_ratio"
    EXTERNAL_RPS = "external_rps"
    EXTERNAL_MEAN_S = "external_mean_s"
    EXTERNAL_IN_TRANSACTION_RATIO = "external_in_transaction_ratio"
    EXTERNAL_WITHOUT_TIMEOUT_RATIO = "external_without_timeout_ratio"
    SERIALIZATION_MEAN_S = "serialization_mean_s"
    RESPONSE_MEAN_BYTES = "response_mean_bytes"
    BACKGROUND_MEAN_S = "background_mean_s"
    THREADPOOL_TOKENS = "threadpool_tokens"
    THREADPOOL_BORROWED = "threadpool_borrowed"
    THREADPOOL_WAITING = "threadpool_waiting"
    WORKERS_ALIVE = "workers_alive"
    WORKER_RSS_MAX_BYTES = "worker_rss_max_bytes"
    POD_RSS_MAX_BYTES = "pod_rss_max_bytes"
    RESTARTS_PER_HOUR = "restarts_per_hour"
    DB_CONNECTIONS = "db_connections"
    DB_ACTIVE = "db_active"
    DB_CONNECTIONS_OTHERS = "db_connections_others"
    DB_MAX_CONNECTIONS = "db_max_connections"
    DB_RESERVED = "db_reserved"


class RouteSignal(StrEnum):
    """A figure about one route of an API, for findings that name it."""

    REQUESTS_RPS = "requests_rps"
    QUERIES_PER_REQUEST = "queries_per_request"
    BLOCKED_RATIO = "blocked_ratio"
    """The route's share of the time for which it blocked a loop."""
    SERIALIZATION_MEAN_S = "serialization_mean_s"
    RESPONSE_MEAN_BYTES = "response_mean_bytes"
    EXTERNAL_IN_TRANSACTION_RATIO = "external_in_transaction_ratio"


FAST_SIGNALS = frozenset(
    {Signal.REQUESTS_RPS, Signal.OVER_OBJECTIVE_RATIO, Signal.ERRORS_RATIO, Signal.CPU_CORES, Signal.IN_FLIGHT}
)
"""Those that are also known over a shorter window."""


class Absence(StrEnum):
    """Why a figure is not known. Absent is never zero."""

    NO_SERIES = "NoSeries"
    NO_TRAFFIC = "NoTraffic"
    NOT_A_NUMBER = "NotANumber"
    STALE = "Stale"
    UNREACHABLE = "Unreachable"
    REFUSED = "Refused"
    BAD_ANSWER = "BadAnswer"
    PARTIAL_ANSWER = "PartialAnswer"
    PARTIAL_COVERAGE = "PartialCoverage"
    INCOMPLETE_WORKERS = "IncompleteWorkers"
    UNKNOWN_SOURCE = "UnknownSource"
    NOT_EXPORTED = "NotExported"
    """What the API is observed by has no such metric."""
    PRESET_NOT_FOUND = "PresetNotFound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """What an API is observed by, in words for sentences."""

    name: str
    note: str
    """What its latency means."""
    options: Mapping[Signal, str] = field(default_factory=dict)
    """How it is told to export a signal that it does not always export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """
    An API as observed over the window that ended at *taken_at*.

    A signal that Prometheus did not answer, or whose samples cannot be trusted, is absent and *absent* says why: a scrape gap read as "no
    traffic" would scale a busy API to its minimum.
    """

    taken_at: datetime
    window_s: float
    pods_reporting: int
    readings: Mapping[Signal, float]
    absent: Mapping[Signal, Absence] = field(default_factory=dict)
    exporter: Exporter
    fast: Mapping[Signal, float] = field(default_factory=dict)
    """Some of them over a shorter window: a minute's mean sees a fivefold step a quarter at a time. For growing only."""
    fast_window_s: float = 0.0
    routes: Mapping[str, Mapping[RouteSignal, float]] = field(default_factory=dict)
    """By route template."""

    def __getitem__(self, signal: Signal) -> float:
        return self.readings[signal]

    def get(self, signal: Signal) -> float | None:
        """The figure, or None where it is absent."""
        return self.readings.get(signal)

    def missing(self, *wanted: Signal) -> tuple[Signal, ...]:
        """Those of *wanted* that are absent, in the order asked."""
        return tuple(signal for signal in wanted if signal not in self.readings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unobserved:
    """Nothing at all could be seen of an API: why, in a sentence that says what to do."""

    reason: Absence
    because: str
