"""
prometheus-fastapi-instrumentator, with its default metrics and names.

It has two histograms. The one by route has three bounds, 0.1, 0.5 and 1 s: every percentile between them is a guess. So the percentile is
read out of the other, whose 21 bounds lie 25 ms apart where it matters. That one has no labels, so probes and scrapes are in it. How many
these are is known by route; they are taken off its bottom, as if they were its fastest requests: a percentile can only come out too high.
"""

from apituner.core.snapshot import Signal
from apituner.prometheus.presets.preset import CPU, MEMORY, SHARED_FOLDER, WITH_BACKGROUND, Preset
from apituner.prometheus.series import Figure

# http_requests_total is a name that many others use; its label is not.
_ROUTES = "handler!~'|$probes',$pods"
_FINE = "sum by(namespace,pod,le)(rate(http_request_duration_highr_seconds_bucket{$pods}[$window]))"
_OTHERS = "sum by(namespace,pod)(rate(http_requests_total{handler=~'$probes',$pods}[$window]))"

PROMETHEUS_FASTAPI_INSTRUMENTATOR = Preset(
    name="PrometheusFastapiInstrumentator",
    exporter="prometheus-fastapi-instrumentator",
    # There from the start, before any request, and without labels: each of them is a scrape.
    marker="http_request_duration_highr_seconds_count{$pods}",
    scrapes="$marker",
    one_of_several=SHARED_FOLDER,
    serving={
        Figure.REQUESTS: f"rate(http_requests_total{{{_ROUTES}}}[$window]) or 0*$marker",
        # "5xx", or the full code where the app wants it.
        Figure.ERRORS: f"rate(http_requests_total{{status=~'5..',{_ROUTES}}}[$window])",
        Figure.REQUEST_SECONDS: f"rate(http_request_duration_seconds_sum{{{_ROUTES}}}[$window])",
        Figure.IN_FLIGHT: "avg_over_time(http_requests_inprogress{handler!~'$probes',$pods}[$window])",
    },
    resources={
        Figure.CPU: CPU,
        # With inprogress_labels the gauge has routes, and its scrapes are left out above.
        Figure.OWN_SCRAPES: (
            "group by(namespace,pod)(rate(http_requests_total{handler=~'/metrics/?',$pods}[$window])>0)"
            " and on(namespace,pod) http_requests_inprogress{handler='',$pods}"
        ),
    },
    largest={Figure.WORKER_RSS_MAX: MEMORY},
    buckets=f"clamp_min({_FINE}-on(namespace,pod) group_left(){_OTHERS},0) or {_FINE}",
    note=WITH_BACKGROUND,
    options={Signal.IN_FLIGHT: "write Instrumentator(should_instrument_requests_inprogress=True)"},
)
