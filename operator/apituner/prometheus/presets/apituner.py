"""Our own instrumentation: the only exporter that tells of event loops, workers and pools."""

from apituner.prometheus.presets.preset import WITHOUT_BACKGROUND, Preset
from apituner.prometheus.series import Figure, RouteFigure

# OpenTelemetry's series of this name have a scheme (its old gauge of requests a method); ours have not.
_REQUESTS = "http_server_request_duration_seconds"
_LAG = "asyncio_eventloop_delay_seconds"
_WAIT = "db_client_connection_wait_time_seconds"
_USE = "db_client_connection_use_time_seconds"
_SERIALIZATION = "apituning_response_serialization_seconds"
_BODY = "http_server_response_body_size_bytes"
_CALLS = "apituning_external"
_OPERATION = "db_client_operation_duration_seconds"

APITUNER = Preset(
    name="Apituner",
    exporter="apituner.fastapi",
    # Its names are those of OpenTelemetry, whose instrumentations may run in the same pod: these say who they are.
    only="otel_scope_name!~'opentelemetry.*'",
    # There from the start, before any request, and without labels: each of them is a scrape.
    marker="apituning_workers{$pods}",
    scrapes="$marker",
    incomplete="apituning_metrics_complete{$pods}==0",
    one_of_several=(
        "run several workers but report one of them (apituning_metrics_complete is 0): "
        "set PROMETHEUS_MULTIPROC_DIR to an empty writable folder in the container"
    ),
    serving={
        Figure.REQUESTS: f"rate({_REQUESTS}_count{{url_scheme='',$pods}}[$window])",
        Figure.ERRORS: f"rate({_REQUESTS}_count{{http_response_status_code=~'5..',url_scheme='',$pods}}[$window])",
        Figure.REQUEST_SECONDS: f"rate({_REQUESTS}_sum{{url_scheme='',$pods}}[$window])",
        # The mean of what the scrapes saw: a single look at a gauge sees a moment, not the window.
        Figure.IN_FLIGHT: "avg_over_time(http_server_active_requests{url_scheme='',http_method='',$pods}[$window])",
        Figure.LOOP_TURNS: f"rate({_LAG}_count{{$pods}}[$window])",
        Figure.LOOP_LAG_SECONDS: f"rate({_LAG}_sum{{$pods}}[$window])",
        Figure.LOOP_BLOCKED_SECONDS: "rate(apituning_eventloop_blocked_seconds_total{$pods}[$window])",
        Figure.SERIALIZATION_SECONDS: f"rate({_SERIALIZATION}_sum{{$pods}}[$window])",
        Figure.RESPONSE_BYTES: f"rate({_BODY}_sum{{$only,$pods}}[$window])",
        Figure.BACKGROUND_SECONDS: "rate(apituning_background_task_seconds_total{$pods}[$window])",
    },
    resources={
        Figure.CPU: "rate(process_cpu_time_seconds_total{$only,$pods}[$window])",
        Figure.LOOP_CPU: "rate(asyncio_eventloop_cpu_seconds_total{$pods}[$window])",
        # What is in force now, not what was: a setting is verified by it.
        Figure.WORKERS: "$marker",
        Figure.WAITS: f"rate({_WAIT}_count{{$only,$pods}}[$window])",
        Figure.WAIT_SECONDS: f"rate({_WAIT}_sum{{$only,$pods}}[$window])",
        Figure.USES: f"rate({_USE}_count{{$only,$pods}}[$window])",
        Figure.USE_SECONDS: f"rate({_USE}_sum{{$only,$pods}}[$window])",
        Figure.TIMEOUTS: "rate(db_client_connection_timeouts_total{$only,$pods}[$window])",
        Figure.POOL_MAX: "db_client_connection_max{$only,$pods}",
        Figure.POOL_IDLE_MAX: "db_client_connection_idle_max{$only,$pods}",
        Figure.OPERATIONS: f"rate({_OPERATION}_count{{$only,$pods}}[$window])",
        Figure.OPERATION_SECONDS: f"rate({_OPERATION}_sum{{$only,$pods}}[$window])",
        Figure.BUILDING_OPERATIONS: "rate(apituning_db_operations_while_building_total{$pods}[$window])",
        Figure.CPU_PERIODS: "rate(apituning_cgroup_periods_total{$pods}[$window])",
        Figure.THROTTLED_PERIODS: "rate(apituning_cgroup_throttled_periods_total{$pods}[$window])",
        Figure.THREADS: "avg_over_time(apituning_threadpool_tokens{state='total',$pods}[$window])",
        Figure.THREADS_TAKEN: "avg_over_time(apituning_threadpool_tokens{state='borrowed',$pods}[$window])",
        Figure.THREADS_AWAITED: "avg_over_time(apituning_threadpool_waiting{$pods}[$window])",
    },
    others={
        # By route, and there from the first call on: an exporter that tells of none has seen none.
        Figure.CALLS: f"rate({_CALLS}_calls_total{{$pods}}[$window]) or 0*$marker",
        Figure.CALL_SECONDS: f"rate({_CALLS}_call_seconds_total{{$pods}}[$window])",
        Figure.HOLDING_CALL_SECONDS: f"rate({_CALLS}_call_while_holding_seconds_total{{$pods}}[$window])",
        Figure.UNLIMITED_CALLS: f"rate({_CALLS}_calls_without_timeout_total{{$pods}}[$window])",
        # Of kube-state-metrics, where that is scraped with the labels of the pods that it tells of (honor_labels).
        Figure.RESTARTS: "increase(kube_pod_container_status_restarts_total{$pods}[1h])",
    },
    largest={
        # The busiest worker's mean over the window: at one moment any worker may be at 100 %.
        Figure.WORKER_CPU_MAX: "avg_over_time(apituning_worker_cpu_max_ratio{$pods}[$window])",
        Figure.WORKER_RSS_MAX: "apituning_worker_resident_memory_bytes{$pods}",
        Figure.POD_RSS_MAX: "sum by(namespace,pod)(apituning_worker_resident_memory_bytes{$pods})",
    },
    slowest={Figure.LOOP_LAG_P99: f"rate({_LAG}_bucket{{$pods}}[$window])"},
    # Probes and scrapes are left out by the instrumentation itself, and its bounds go on to 30 s.
    buckets=f"rate({_REQUESTS}_bucket{{url_scheme='',$pods}}[$window])",
    routes={
        RouteFigure.REQUESTS: f"rate({_REQUESTS}_count{{http_route!='',url_scheme='',$pods}}[$window])",
        RouteFigure.BLOCKED_SECONDS: "rate(apituning_eventloop_held_seconds_total{http_route!='',state='blocked',$pods}[$window])",
        RouteFigure.CALL_SECONDS: f"rate({_CALLS}_call_seconds_total{{$pods}}[$window])",
        RouteFigure.HOLDING_CALL_SECONDS: f"rate({_CALLS}_call_while_holding_seconds_total{{$pods}}[$window])",
        RouteFigure.QUERIES_EACH: "rate(apituning_db_operations_per_request_sum{$pods}[$window])",
        RouteFigure.SERIALIZATION_SECONDS_EACH: f"rate({_SERIALIZATION}_sum{{$pods}}[$window])",
        RouteFigure.RESPONSE_BYTES_EACH: f"rate({_BODY}_sum{{$only,$pods}}[$window])",
    },
    fast=frozenset({Figure.REQUESTS, Figure.ERRORS, Figure.CPU, Figure.IN_FLIGHT}),
    note=WITHOUT_BACKGROUND,
)
