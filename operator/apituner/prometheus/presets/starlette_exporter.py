"""starlette_exporter, under its default prefix."""

from apituner.prometheus.presets.preset import CPU, MEMORY, SHARED_FOLDER, WITHOUT_BACKGROUND, Preset
from apituner.prometheus.series import Figure

_DURATION = "starlette_request_duration_seconds"
_ROUTES = "path!~'$probes',$pods"

STARLETTE_EXPORTER = Preset(
    name="StarletteExporter",
    exporter="starlette_exporter",
    # Not starlette_requests_total: another library, starlette-prometheus, has a metric of that name.
    marker=f"{_DURATION}_count{{$pods}}",
    one_of_several=SHARED_FOLDER,
    serving={
        Figure.REQUESTS: f"rate({_DURATION}_count{{{_ROUTES}}}[$window]) or 0*$marker",
        Figure.ERRORS: f"rate({_DURATION}_count{{status_code=~'5..',{_ROUTES}}}[$window])",
        Figure.REQUEST_SECONDS: f"rate({_DURATION}_sum{{{_ROUTES}}}[$window])",
        # That name, too, is shared; the label is not.
        Figure.IN_FLIGHT: "avg_over_time(starlette_requests_in_progress{app_name!='',$pods}[$window])",
    },
    resources={
        Figure.CPU: CPU,
        Figure.OWN_SCRAPES: f"group by(namespace,pod)(rate({_DURATION}_count{{path=~'/metrics/?',$pods}}[$window])>0)",
    },
    largest={Figure.WORKER_RSS_MAX: MEMORY},
    # Its only histogram, by path; bounds from 5 ms to 10 s unless the app names others.
    buckets=f"rate({_DURATION}_bucket{{{_ROUTES}}}[$window])",
    note=WITHOUT_BACKGROUND,
)
