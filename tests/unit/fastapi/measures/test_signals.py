"""The names, types, labels and bounds of all metrics are a contract with whoever queries them."""

import pytest
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from pages.metrics import metrics

_POOL = "db_client_connection_pool_name"
_ROUTE = "http_route"

_CONTRACT: dict[str, tuple[type[MetricWrapperBase], tuple[str, ...], str | None]] = {
    # How the values of several processes become one stands last; counters and histograms add up.
    "http_server_request_duration_seconds": (Histogram, ("http_request_method", _ROUTE, "http_response_status_code"), None),
    "http_server_active_requests": (Gauge, ("http_request_method",), "livesum"),
    "http_server_response_body_size_bytes": (Histogram, (_ROUTE,), None),
    "apituning_request_queue_time_seconds": (Histogram, (), None),
    "apituning_response_serialization_seconds": (Histogram, (_ROUTE,), None),
    "db_client_connection_wait_time_seconds": (Histogram, (_POOL,), None),
    "db_client_connection_use_time_seconds": (Histogram, (_POOL,), None),
    "db_client_connection_create_time_seconds": (Histogram, (_POOL,), None),
    "db_client_connection_count": (Gauge, (_POOL, "db_client_connection_state"), "livesum"),
    "db_client_connection_max": (Gauge, (_POOL,), "livesum"),
    "db_client_connection_idle_max": (Gauge, (_POOL,), "livesum"),
    "db_client_connection_pending_requests": (Gauge, (_POOL,), "livesum"),
    "db_client_connection_timeouts": (Counter, (_POOL,), None),
    "apituning_pool_info": (Gauge, (_POOL, "pool_class"), "livemax"),
    "db_client_operation_duration_seconds": (Histogram, ("db_system_name",), None),
    "apituning_db_operations_per_request": (Histogram, (_ROUTE,), None),
    "apituning_db_operations_while_building": (Counter, (_ROUTE,), None),
    "apituning_db_operation_seconds": (Counter, (_ROUTE,), None),
    "apituning_db_connection_wait_seconds": (Counter, (_ROUTE,), None),
    "apituning_db_connection_hold_seconds": (Counter, (_ROUTE,), None),
    "apituning_db_connection_unused_seconds": (Counter, (_ROUTE,), None),
    "apituning_external_calls": (Counter, (_ROUTE,), None),
    "apituning_external_call_seconds": (Counter, (_ROUTE,), None),
    "apituning_external_call_while_holding_seconds": (Counter, (_ROUTE,), None),
    "apituning_external_calls_without_timeout": (Counter, (_ROUTE, "server_address"), None),
    "apituning_threadpool_wait_seconds": (Counter, (_ROUTE,), None),
    "apituning_background_tasks": (Counter, (_ROUTE,), None),
    "apituning_background_task_seconds": (Counter, (_ROUTE,), None),
    "http_client_request_duration_seconds": (Histogram, ("server_address", "http_response_status_code"), None),
    "apituning_http_client_errors": (Counter, ("server_address", "error_type"), None),
    "apituning_http_client_attempts": (Counter, ("server_address", "outcome"), None),
    "apituning_http_client_retries": (Counter, ("server_address",), None),
    "apituning_http_client_retries_denied": (Counter, ("server_address",), None),
    "apituning_http_client_breaker_state": (Gauge, ("server_address",), "livemax"),
    "asyncio_eventloop_delay_seconds": (Histogram, (), None),
    "asyncio_eventloop_delay_max_seconds": (Gauge, (), "livemax"),
    "asyncio_eventloop_cpu_seconds": (Counter, (), None),
    "apituning_eventloop_blocked_seconds": (Counter, (), None),
    "apituning_eventloop_held_seconds": (Counter, (_ROUTE, "code_function_name", "state"), None),
    "apituning_runqueue_wait_seconds": (Counter, (), None),
    "cpython_gc_pause_seconds": (Histogram, ("generation",), None),
    "process_cpu_time_seconds": (Counter, (), None),
    "apituning_worker_cpu_max_ratio": (Gauge, (), "livemax"),
    "apituning_worker_loop_cpu_max_ratio": (Gauge, (), "livemax"),
    "apituning_worker_resident_memory_bytes": (Gauge, ("worker",), "livemax"),
    "apituning_cgroup_periods": (Counter, (), None),
    "apituning_cgroup_throttled_periods": (Counter, (), None),
    "apituning_cgroup_throttled_seconds": (Counter, (), None),
    "apituning_workers": (Gauge, (), "livesum"),
    "apituning_effective_setting": (Gauge, ("setting", "pool"), "livemax"),
    "apituning_build_info": (Gauge, ("version", "server", "loop"), "livemax"),
    "apituning_metrics_complete": (Gauge, (), "livemin"),
    "apituning_threadpool_tokens": (Gauge, ("state",), "livesum"),
    "apituning_threadpool_waiting": (Gauge, (), "livesum"),
    "apituning_ready": (Gauge, ("check",), "livemin"),
    "apituning_response_contract_checks": (Counter, (_ROUTE,), None),
    "apituning_response_contract_skipped": (Counter, (_ROUTE, "reason"), None),
    "apituning_response_contract_violations": (Counter, (_ROUTE, "field"), None),
    "apituning_access_log_dropped": (Counter, (), None),
}


def test_there_are_these_metrics_and_no_others() -> None:
    """A metric that is dropped breaks dashboards; one that is added belongs in the contract."""
    assert set(_CONTRACT) == set(metrics())


@pytest.mark.parametrize("name", _CONTRACT)
def test_a_metric_is_as_the_contract_has_it(name: str) -> None:
    """Its type, its labels, and how the gauges of several processes become one."""
    metric = metrics()[name]
    assert _CONTRACT[name] == (type(metric), tuple(metric._labelnames), getattr(metric, "_multiprocess_mode", None))
    assert metric._documentation.endswith(".")
