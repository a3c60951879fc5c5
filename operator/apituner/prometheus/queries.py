"""
Every query of a sweep, by name. Pure strings.

A sweep asks five queries of a source, whatever the number of its targets: the coverage first, then the four others at once, all at one
timestamp. Each groups by namespace and workload at the server, so that an answer grows with workloads, not with pods or routes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from apituner.prometheus.promql import by_workload, duration, one_of, series, tagged, union
from apituner.prometheus.series import Count, Figure

# Proxies refuse URLs past 8 KiB (nginx, Apache, AWS), and the address, the path and the other parameters need room too.
MOST_URL_CHARACTERS = 6000
# rate() needs two samples; with three, one may be lost.
LEAST_SAMPLES = 3
# A sample is late after three gaps, as that many scrapes were missed; two scrapes at 10 s are forgiven to any.
LATE_AFTER_GAPS = 3
LATE_AFTER_S = 20
# A pod that was there for less of the window has its rates understated by more than a quarter.
LEAST_WINDOW_RATIO = 0.75
# Who was there within the quarter of an hour is missed, and told apart from who never came.
_MISSED_FOR = "15m"

_REQUESTS = "http_server_request_duration_seconds"
_LAG = "asyncio_eventloop_delay_seconds"
_WAIT = "db_client_connection_wait_time_seconds"
_USE = "db_client_connection_use_time_seconds"
_OPERATION = "db_client_operation_duration_seconds"
_WORKERS = "apituning_workers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The five queries of one source, as PromQL."""

    coverage: str
    serving: str
    database: str
    extremes: str
    latency: str

    @property
    def readings(self) -> Mapping[str, str]:
        """What is asked once the coverage is known."""
        return {"serving": self.serving, "database": self.database, "extremes": self.extremes, "latency": self.latency}


def sweep(namespaces: Sequence[str], window_s: float) -> Sweep:
    """Ask for *namespaces* only, or for all of them where naming them would make a URL too long."""
    narrow = _sweep(one_of("namespace", namespaces), window_s)
    longest = max(len(quote_plus(query)) for query in (narrow.coverage, *narrow.readings.values()))
    return narrow if longest <= MOST_URL_CHARACTERS else _sweep("", window_s)


def _sweep(where: str, window_s: float) -> Sweep:
    window = duration(window_s)
    return Sweep(
        coverage=coverage(where, window, window_s),
        serving=serving(where, window),
        database=database(where, window),
        extremes=extremes(where, window),
        latency=latency(where, window),
    )


def coverage(where: str, window: str, window_s: float) -> str:
    """How many pods can be trusted, judged by the one series that every instrumented pod has from its start."""
    workers = series(_WORKERS, where)
    times = f"count_over_time({workers}[{window}])"
    late_after = f"clamp_min({LATE_AFTER_GAPS * window_s:g}/{times},{LATE_AFTER_S})"
    current = f"time()-timestamp({workers})<{late_after}"
    long_enough = f"{workers} offset {duration(window_s * LEAST_WINDOW_RATIO)}"
    conditions = {
        Count.SEEN: f"present_over_time({workers}[{_MISSED_FOR}])",
        Count.CURRENT: current,
        Count.REPORTING: f"{times}>={LEAST_SAMPLES} and ({current}) and {long_enough}",
        Count.INCOMPLETE: f"{series('apituning_metrics_complete', where)}==0",
        Count.TWICE: f"count by(namespace,pod)({workers})>1",
    }
    pods = [tagged(name, f"group by(namespace,pod)({condition})") for name, condition in conditions.items()]
    return by_workload("sum", union(pods), "signal")


def serving(where: str, window: str) -> str:
    """Requests, errors, the CPU and the loops: sums over the pods."""
    failed = 'http_response_status_code=~"5.."'
    return _sums(
        {
            Figure.REQUESTS: _rate(f"{_REQUESTS}_count", window, where),
            Figure.ERRORS: _rate(f"{_REQUESTS}_count", window, failed, where),
            Figure.REQUEST_SECONDS: _rate(f"{_REQUESTS}_sum", window, where),
            # The mean of what the scrapes saw: a single look at a gauge sees a moment, not the window.
            Figure.IN_FLIGHT: f"avg_over_time({series('http_server_active_requests', where)}[{window}])",
            Figure.CPU: _rate("process_cpu_time_seconds_total", window, where),
            Figure.LOOP_CPU: _rate("asyncio_eventloop_cpu_seconds_total", window, where),
            Figure.LOOP_TURNS: _rate(f"{_LAG}_count", window, where),
            Figure.LOOP_LAG_SECONDS: _rate(f"{_LAG}_sum", window, where),
            Figure.LOOP_BLOCKED_SECONDS: _rate("apituning_eventloop_blocked_seconds_total", window, where),
            # What is in force now, not what was: a setting is verified by it.
            Figure.WORKERS: series(_WORKERS, where),
        }
    )


def database(where: str, window: str) -> str:
    """Pools and queries: sums over the pods."""
    return _sums(
        {
            Figure.WAITS: _rate(f"{_WAIT}_count", window, where),
            Figure.WAIT_SECONDS: _rate(f"{_WAIT}_sum", window, where),
            Figure.USES: _rate(f"{_USE}_count", window, where),
            Figure.USE_SECONDS: _rate(f"{_USE}_sum", window, where),
            Figure.TIMEOUTS: _rate("db_client_connection_timeouts_total", window, where),
            Figure.POOL_MAX: series("db_client_connection_max", where),
            Figure.POOL_IDLE_MAX: series("db_client_connection_idle_max", where),
            Figure.OPERATIONS: _rate(f"{_OPERATION}_count", window, where),
            Figure.OPERATION_SECONDS: _rate(f"{_OPERATION}_sum", window, where),
        }
    )


def extremes(where: str, window: str) -> str:
    """The hottest and the largest worker, and the loop lag that only one turn in a hundred exceeds."""
    worst = {
        # The busiest worker's mean over the window: at one moment any worker may be at 100 %.
        Figure.WORKER_CPU_MAX: f"avg_over_time({series('apituning_worker_cpu_max_ratio', where)}[{window}])",
        Figure.WORKER_RSS_MAX: series("apituning_worker_resident_memory_bytes", where),
    }
    largest = [tagged(name, f"max by(namespace,pod)({expression})") for name, expression in worst.items()]
    lag = by_workload("sum", f"sum by(namespace,pod,le)({_rate(f'{_LAG}_bucket', window, where)})", "le")
    return union([by_workload("max", union(largest), "signal"), tagged(Figure.LOOP_LAG_P99, f"histogram_quantile(0.99,{lag})")])


def latency(where: str, window: str) -> str:
    """The requests of each latency bucket: objectives differ, so each target reads its own percentile out of them."""
    return by_workload("sum", f"sum by(namespace,pod,le)({_rate(f'{_REQUESTS}_bucket', window, where)})", "le")


def _rate(metric: str, window: str, *matchers: str) -> str:
    return f"rate({series(metric, *matchers)}[{window}])"


def _sums(expressions: Mapping[Figure, str]) -> str:
    pods = [tagged(name, f"sum by(namespace,pod)({expression})") for name, expression in expressions.items()]
    return by_workload("sum", union(pods), "signal")
