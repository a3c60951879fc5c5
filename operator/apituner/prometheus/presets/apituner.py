"""Our own instrumentation: the only exporter that tells of event loops, workers and pools."""

from apituner.prometheus.presets.preset import WITHOUT_BACKGROUND, Preset
from apituner.prometheus.series import Figure

# OpenTelemetry's series of this name have a scheme (its old gauge of requests a method); ours have not.
_REQUESTS = "http_server_request_duration_seconds"
_LAG = "asyncio_eventloop_delay_seconds"
_WAIT = "db_client_connection_wait_time_seconds"
_USE = "db_client_connection_use_time_seconds"
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
    },
    largest={
        # The busiest worker's mean over the window: at one moment any worker may be at 100 %.
        Figure.WORKER_CPU_MAX: "avg_over_time(apituning_worker_cpu_max_ratio{$pods}[$window])",
        Figure.WORKER_RSS_MAX: "apituning_worker_resident_memory_bytes{$pods}",
    },
    slowest={Figure.LOOP_LAG_P99: f"rate({_LAG}_bucket{{$pods}}[$window])"},
    # Probes and scrapes are left out by the instrumentation itself, and its bounds go on to 30 s.
    buckets=f"rate({_REQUESTS}_bucket{{url_scheme='',$pods}}[$window])",
    note=WITHOUT_BACKGROUND,
)
