"""What connections to the database took, by pool."""

from prometheus_client import Gauge

from apituner.fastapi.measures.buckets import CREATE_S, OPERATION_S, USE_S, WAIT_S
from apituner.fastapi.measures.tallies import Distributions, Tallies

_POOL = ("db_client_connection_pool_name",)


class PoolSignals:
    """The metrics of connection pools and of statements; OpenTelemetry's names where it has one."""

    def __init__(self, tallies: Tallies) -> None:
        def histogram(name: str, meaning: str, buckets: tuple[float, ...]) -> Distributions:
            return tallies.histogram(f"db_client_connection_{name}_time_seconds", meaning, _POOL, buckets)

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return tallies.sum_gauge(f"db_client_connection_{name}", meaning, _POOL + labels)

        self.wait = histogram("wait", "From asking for a connection to having one, without the time to open it.", WAIT_S)
        self.use = histogram("use", "From having a connection to giving it back.", USE_S)
        self.create = histogram("create", "To open a connection.", CREATE_S)
        self.count = gauge("count", "Open connections, by state: idle or used.", "db_client_connection_state")
        self.max = gauge("max", "The most connections that may be open; +Inf where the pool has no limit.")
        self.idle_max = gauge("idle_max", "The most idle connections that are kept open.")
        self.pending = gauge("pending_requests", "Requests for a connection that wait.")
        self.timeouts = tallies.counter("db_client_connection_timeouts_total", "Requests for a connection that were given up.", _POOL)
        self.kind = tallies.most_gauge(
            "apituning_pool_info",
            "Always 1; the pool's class tells what it keeps: a NullPool keeps and limits nothing.",
            (*_POOL, "pool_class"),
        )
        self.operation = tallies.histogram(
            "db_client_operation_duration_seconds",
            "From sending a statement to its result, as the process sees it.",
            ("db_system_name",),
            OPERATION_S,
        )
