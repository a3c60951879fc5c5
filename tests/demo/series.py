"""What Prometheus recorded of the story."""

import json
import urllib.parse
import urllib.request

from demo.samples import Sample

_QUERIES = {
    "pool_wait_ms": (
        "1e3 * sum(rate(db_client_connection_wait_time_seconds_sum[10s])) / sum(rate(db_client_connection_wait_time_seconds_count[10s]))"
    ),
    "loop_lag_ms": "1e3 * histogram_quantile(0.99, sum by (le) (rate(asyncio_eventloop_delay_seconds_bucket[10s])))",
}


def range_of(url: str, name: str, began: float, ended: float) -> tuple[Sample, ...]:
    """Return one series over the whole story, every 2 s; values that are not numbers are left out."""
    asked = urllib.parse.urlencode({"query": _QUERIES[name], "start": began, "end": ended, "step": 2})
    with urllib.request.urlopen(f"{url}/api/v1/query_range?{asked}", timeout=10) as answer:  # noqa: S310 - the local Prometheus
        found = json.load(answer)["data"]["result"]
    values = found[0]["values"] if found else []
    return tuple(Sample(t=float(t), value=float(value)) for t, value in values if value != "NaN")
