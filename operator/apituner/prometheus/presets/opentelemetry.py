"""
OpenTelemetry under its stable HTTP conventions, as Prometheus writes them: FastAPI's own metrics (0.142 and newer), and those of contrib's
opentelemetry-instrumentation-fastapi with OTEL_SEMCONV_STABILITY_OPT_IN=http or http/dup.

The two are one preset: they name the same series, FastAPI falls silent where contrib measures, and who measured stands in the scope alone,
which many a pipeline drops.
"""

from apituner.prometheus.presets.preset import CPU, MEMORY, NO_SHARED_READER, Preset
from apituner.prometheus.series import Figure

_DURATION = "http_server_request_duration_seconds"
_ROUTES = "http_route!~'$probes',$only,$pods"

OPENTELEMETRY = Preset(
    name="OpenTelemetry",
    exporter="OpenTelemetry",
    # Our own metrics have the same names; the scheme, which the conventions require, they have not.
    only="url_scheme!=''",
    marker=f"{_DURATION}_count{{$only,$pods}}",
    one_of_several=NO_SHARED_READER,
    serving={
        Figure.REQUESTS: f"rate({_DURATION}_count{{{_ROUTES}}}[$window]) or 0*$marker",
        Figure.ERRORS: f"rate({_DURATION}_count{{http_response_status_code=~'5..',{_ROUTES}}}[$window])",
        Figure.REQUEST_SECONDS: f"rate({_DURATION}_sum{{{_ROUTES}}}[$window])",
        Figure.IN_FLIGHT: "avg_over_time(http_server_active_requests{$only,$pods}[$window])",
    },
    resources={
        Figure.CPU: CPU,
        Figure.OWN_SCRAPES: f"group by(namespace,pod)(rate({_DURATION}_count{{http_route=~'/metrics(/.*)?',$only,$pods}}[$window])>0)",
    },
    largest={Figure.WORKER_RSS_MAX: MEMORY},
    # Its only histogram, by route; the bounds of the conventions go from 5 ms to 10 s.
    buckets=f"rate({_DURATION}_bucket{{{_ROUTES}}}[$window])",
    note="its latency ends with the response where FastAPI itself measures, and includes background tasks where contrib does",
)
