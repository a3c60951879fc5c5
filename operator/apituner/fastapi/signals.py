"""
Every metric of the instrumentation: its name, labels, buckets, and how the values of several processes become one.

Names follow the OpenTelemetry semantic conventions where these have one, ``asyncio_eventloop_*`` is named after ``nodejs.eventloop.*``,
and everything else is ``apituning_*``. No label takes a value that a client controls.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# OpenTelemetry's boundaries for HTTP, and 30 s, so that a request at the usual time limit of a proxy still has a bucket. They contain the
# 250 ms that objectives are usually written for: how many were slower is then counted, not interpolated.
HTTP_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0)

# From a free connection (about 1 ms) to twice SQLAlchemy's own time limit of 30 s.
WAIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
USE_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
CREATE_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
OPERATIONS = (0, 1, 2, 3, 5, 8, 13, 21, 50, 100)  # a page that reads each row by itself is beyond 10
OPERATION_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)  # as the OpenTelemetry conventions prescribe
DELAY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_POOL = ("db_client_connection_pool_name",)


class Signals:
    """
    The metrics, registered in one registry.

    Gauges are summed over the live processes, or their largest value is taken; counters and histograms are summed over all that ever ran.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._requests(registry)
        self._pools(registry)
        self._loop(registry)
        self._process(registry)

    def _requests(self, registry: CollectorRegistry) -> None:
        self.request_duration = Histogram(
            "http_server_request_duration_seconds",
            "From the first sight of a request to the last byte of its body, without background tasks.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=HTTP_S,
            registry=registry,
        )
        self.active_requests = Gauge(
            "http_server_active_requests",
            "Requests being answered.",
            ("http_request_method",),
            multiprocess_mode="livesum",
            registry=registry,
        )

        self.request_queue = Histogram(
            "apituning_request_queue_time_seconds",
            "From the proxy's X-Request-Start to the first sight of a request; only where the app trusts that header.",
            buckets=WAIT_S,
            registry=registry,
        )

    def _pools(self, registry: CollectorRegistry) -> None:
        def histogram(name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"db_client_connection_{name}_time_seconds", meaning, _POOL, buckets=buckets, registry=registry)

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            labelnames = _POOL + labels
            return Gauge(f"db_client_connection_{name}", meaning, labelnames, multiprocess_mode="livesum", registry=registry)

        self.connection_wait = histogram("wait", "From asking for a connection to having one, without the time to open it.", WAIT_S)
        self.connection_use = histogram("use", "From having a connection to giving it back.", USE_S)
        self.connection_create = histogram("create", "To open a connection.", CREATE_S)
        self.connections = gauge("count", "Open connections, by state: idle or used.", "db_client_connection_state")
        self.connections_max = gauge("max", "The most connections that may be open; +Inf where the pool has no limit.")
        self.connections_idle_max = gauge("idle_max", "The most idle connections that are kept open.")
        self.connection_pending = gauge("pending_requests", "Requests for a connection that wait.")
        self.connection_timeouts = Counter(
            "db_client_connection_timeouts_total", "Requests for a connection that were given up.", _POOL, registry=registry
        )
        self.operation_duration = Histogram(
            "db_client_operation_duration_seconds",
            "From sending a statement to its result, as the process sees it.",
            ("db_system_name",),
            buckets=OPERATION_S,
            registry=registry,
        )

        self.operations_per_request = Histogram(
            "apituning_db_operations_per_request", "Statements of one request.", buckets=OPERATIONS, registry=registry
        )

    def _loop(self, registry: CollectorRegistry) -> None:
        self.loop_delay = Histogram(
            "asyncio_eventloop_delay_seconds",
            "How late the event loop comes to what is due; one value for every 50 ms, also for those in which it was stuck.",
            buckets=DELAY_S,
            registry=registry,
        )
        self.loop_delay_max = Gauge(
            "asyncio_eventloop_delay_max_seconds",
            "The largest delay of the last 30 to 60 s.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self.loop_cpu = Counter("asyncio_eventloop_cpu_seconds_total", "CPU time of the event loop's thread.", registry=registry)
        self.loop_blocked = Counter(
            "apituning_eventloop_blocked_seconds_total",
            "Time in which the event loop stood still for more than 50 ms and its thread neither used the CPU nor waited for one.",
            registry=registry,
        )
        self.runqueue_wait = Counter(
            "apituning_runqueue_wait_seconds_total",
            "Time in which the event loop's thread was ready to run and had no CPU.",
            registry=registry,
        )

    def _process(self, registry: CollectorRegistry) -> None:
        def most(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(name, meaning, labels, multiprocess_mode="livemax", registry=registry)

        self.process_cpu = Counter("process_cpu_time_seconds_total", "CPU time of all threads of all workers.", registry=registry)
        self.worker_cpu = most("apituning_worker_cpu_max_ratio", "CPU cores that the busiest worker used, over about 15 s.")
        self.worker_loop_cpu = most("apituning_worker_loop_cpu_max_ratio", "CPU share of the busiest event loop, over about 15 s.")
        self.worker_memory = most("apituning_worker_resident_memory_bytes", "Resident memory of the largest worker.")
        self.cgroup_periods = Counter("apituning_cgroup_periods_total", "Periods of the container's CPU limit.", registry=registry)
        self.cgroup_throttled_periods = Counter(
            "apituning_cgroup_throttled_periods_total", "Periods in which the container was held back at its CPU limit.", registry=registry
        )
        self.cgroup_throttled = Counter(
            "apituning_cgroup_throttled_seconds_total", "Time for which the container was held back at its CPU limit.", registry=registry
        )
        self.workers = Gauge("apituning_workers", "Worker processes alive.", multiprocess_mode="livesum", registry=registry)
        self.setting = most("apituning_effective_setting", "A setting as the process sees it, whatever was configured.", "setting", "pool")
        self.build = most("apituning_build_info", "Always 1.", "version", "server", "loop")
        self.complete = Gauge(
            "apituning_metrics_complete",
            "1 where these metrics cover all worker processes; 0 where there are others that they miss.",
            multiprocess_mode="livemin",
            registry=registry,
        )
        self.threadpool = Gauge(
            "apituning_threadpool_tokens",
            "Threads for handlers written with def: in total, and borrowed.",
            ("state",),
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.threadpool_waiting = Gauge(
            "apituning_threadpool_waiting",
            "Handlers written with def that wait for a thread.",
            multiprocess_mode="livesum",
            registry=registry,
        )
