"""
What the requests of each route asked of others: the database, other services, threads.

Shares of time, so counters of seconds; divided by the requests of the route they are means. Work after the response is not among them.
"""

from apituner.fastapi.measures.buckets import OPERATIONS
from apituner.fastapi.measures.tallies import Tallies

_ROUTE = ("http_route",)


class RouteSignals:
    """The metrics by route."""

    def __init__(self, tallies: Tallies) -> None:
        self.operations = tallies.histogram("apituning_db_operations_per_request", "Statements that one request sent.", _ROUTE, OPERATIONS)
        self.building_operations = tallies.counter(
            "apituning_db_operations_while_building_total",
            "Statements sent while the response was being built: validated, serialized or streamed. Lazy loading shows here.",
            _ROUTE,
        )
        self.operation_s = tallies.counter("apituning_db_operation_seconds_total", "Time in statements.", _ROUTE)
        self.wait_s = tallies.counter("apituning_db_connection_wait_seconds_total", "Time waiting for a connection.", _ROUTE)
        self.hold_s = tallies.counter(
            "apituning_db_connection_hold_seconds_total", "Time for which connections were held, until given back.", _ROUTE
        )
        self.unused_s = tallies.counter(
            "apituning_db_connection_unused_seconds_total", "Time for which connections were held outside of statements.", _ROUTE
        )
        self.calls = tallies.counter("apituning_external_calls_total", "HTTP requests sent to other services.", _ROUTE)
        self.call_s = tallies.counter("apituning_external_call_seconds_total", "Time in HTTP requests to other services.", _ROUTE)
        self.holding_call_s = tallies.counter(
            "apituning_external_call_while_holding_seconds_total",
            "Time in HTTP requests to other services while a connection of the database was held.",
            _ROUTE,
        )
        self.unlimited_calls = tallies.counter(
            "apituning_external_calls_without_timeout_total",
            "HTTP requests sent to other services without any time limit.",
            ("http_route", "server_address"),
        )
        self.thread_wait_s = tallies.counter(
            "apituning_threadpool_wait_seconds_total", "Time waiting for a thread of the pool that runs handlers written with def.", _ROUTE
        )
        self.background_tasks = tallies.counter("apituning_background_tasks_total", "Background tasks run after a response.", _ROUTE)
        self.background_s = tallies.counter("apituning_background_task_seconds_total", "Time in background tasks.", _ROUTE)
