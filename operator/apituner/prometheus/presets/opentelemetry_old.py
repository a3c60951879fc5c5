"""The opentelemetry-instrumentation-fastapi of contrib under its old names, which are still its default: durations in milliseconds."""

from apituner.prometheus.presets.preset import CPU, MEMORY, NO_SHARED_READER, WITH_BACKGROUND, Preset
from apituner.prometheus.series import Figure

_DURATION = "http_server_duration_milliseconds"
_ROUTES = "http_target!~'$probes',$pods"

OPENTELEMETRY_OLD = Preset(
    name="OpenTelemetryOld",
    exporter="opentelemetry-instrumentation-fastapi (old names)",
    marker=f"{_DURATION}_count{{$pods}}",
    one_of_several=NO_SHARED_READER,
    serving={
        Figure.REQUESTS: f"rate({_DURATION}_count{{{_ROUTES}}}[$window]) or 0*$marker",
        Figure.ERRORS: f"rate({_DURATION}_count{{http_status_code=~'5..',{_ROUTES}}}[$window])",
        Figure.REQUEST_SECONDS: f"rate({_DURATION}_sum{{{_ROUTES}}}[$window])/1000",
        # The new names use the same metric with other labels.
        Figure.IN_FLIGHT: "avg_over_time(http_server_active_requests{http_method!='',$pods}[$window])",
    },
    resources={
        Figure.CPU: CPU,
        Figure.OWN_SCRAPES: f"group by(namespace,pod)(rate({_DURATION}_count{{http_target=~'/metrics(/.*)?',$pods}}[$window])>0)",
    },
    largest={Figure.WORKER_RSS_MAX: MEMORY},
    # By route, as its only histogram. Durations are whole milliseconds, so those below half a one lie in a bucket up to 0, which no
    # duration can be; the next one counts them too.
    buckets=f"rate({_DURATION}_bucket{{le!~'0(.0)?',{_ROUTES}}}[$window])",
    bucket_s=0.001,
    note=WITH_BACKGROUND,
)
