"""The figures that are fetched for every workload, by the name under which they come back."""

from enum import StrEnum


class Figure(StrEnum):
    """
    A number of one workload: what Prometheus sums up, before anything is divided by anything.

    Means are divided here rather than there: only so is a mean without traffic told apart from one that is not known.
    """

    REQUESTS = "requests"
    ERRORS = "errors"
    REQUEST_SECONDS = "request_seconds"
    IN_FLIGHT = "in_flight"
    OWN_SCRAPES = "own_scrapes"
    CPU = "cpu"
    LOOP_CPU = "loop_cpu"
    LOOP_TURNS = "loop_turns"
    LOOP_LAG_SECONDS = "loop_lag_seconds"
    LOOP_BLOCKED_SECONDS = "loop_blocked_seconds"
    WORKERS = "workers"

    WAITS = "waits"
    WAIT_SECONDS = "wait_seconds"
    USES = "uses"
    USE_SECONDS = "use_seconds"
    TIMEOUTS = "timeouts"
    POOL_MAX = "pool_max"
    POOL_IDLE_MAX = "pool_idle_max"
    OPERATIONS = "operations"
    OPERATION_SECONDS = "operation_seconds"
    BUILDING_OPERATIONS = "building_operations"

    SERIALIZATION_SECONDS = "serialization_seconds"
    RESPONSE_BYTES = "response_bytes"
    BACKGROUND_SECONDS = "background_seconds"
    CALLS = "calls"
    CALL_SECONDS = "call_seconds"
    HOLDING_CALL_SECONDS = "holding_call_seconds"
    UNLIMITED_CALLS = "unlimited_calls"

    CPU_PERIODS = "cpu_periods"
    THROTTLED_PERIODS = "throttled_periods"
    THREADS = "threads"
    THREADS_TAKEN = "threads_taken"
    THREADS_AWAITED = "threads_awaited"
    RESTARTS = "restarts"

    WORKER_CPU_MAX = "worker_cpu_max"
    WORKER_RSS_MAX = "worker_rss_max"
    POD_RSS_MAX = "pod_rss_max"
    LOOP_LAG_P99 = "loop_lag_p99"


class RouteFigure(StrEnum):
    """A number of one route of a workload; fetched for the few routes of which it is largest."""

    REQUESTS = "requests"
    BLOCKED_SECONDS = "blocked_seconds"
    CALL_SECONDS = "call_seconds"
    HOLDING_CALL_SECONDS = "holding_call_seconds"
    QUERIES_EACH = "queries_each"
    """Of one request, as are those that follow; but the routes are chosen by what all their requests come to."""
    SERIALIZATION_SECONDS_EACH = "serialization_seconds_each"
    RESPONSE_BYTES_EACH = "response_bytes_each"


class Count(StrEnum):
    """A number of pods of one workload, on which trust rests."""

    SCRAPED = "scraped"
    """Are scraped, whatever is found there."""
    SEEN = "seen"
    """Had any sample of the exporter in the last quarter of an hour."""
    CURRENT = "current"
    """Are scraped now: the newest sample is young, and Prometheus has not marked the series stale, as a failed scrape makes it do."""
    REPORTING = "reporting"
    """Were scraped often enough, lately enough, and over enough of the window."""
    FAST = "fast"
    """Were scraped often enough within the short window."""
    INCOMPLETE = "incomplete"
    """Run several workers but report only one at a time."""
    TWICE = "twice"
    """Are scraped by two jobs, so that every sum counts them twice."""
