"""The form of a preset: PromQL with holes, so that what stands in a preset can be pasted into Prometheus once they are filled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template

from apituner.core.snapshot import Signal
from apituner.prometheus.series import Figure, RouteFigure

PROBES = "/(metrics|healthz?|livez|readyz)(/.*)?"
"""Routes that nobody waits for: scrapes, and the probes by the names that Kubernetes' own components give them."""

# prometheus_client adds these to every registry of a single process. Only those of the very scrape in which the marker stands: another
# container of the pod, such as a proxy, may have a process of its own.
CPU = "rate(process_cpu_seconds_total{$pods}[$window]) and on(namespace,pod,instance) $marker"
MEMORY = "process_resident_memory_bytes{$pods} and on(namespace,pod,instance) $marker"

ROUTE = "http_route"
"""The label that holds the template of a route."""

WITHOUT_BACKGROUND = "its latency ends with the response"
WITH_BACKGROUND = "its latency includes background tasks"

_FALLING = "show counters that fall back again and again, as where several workers answer in turn, or a container keeps restarting"
SHARED_FOLDER = f"{_FALLING}: start one worker a pod, or set PROMETHEUS_MULTIPROC_DIR to an empty writable folder in the container"
NO_SHARED_READER = f"{_FALLING}: start one worker a pod, for a Prometheus reader of OpenTelemetry cannot be shared"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preset:
    """
    What one exporter tells of an API.

    The holes of an expression: ``$only``, what tells the exporter's own series from others of the same name; ``$pods``, whose series are
    asked for (it may be empty, so it stands last); ``$probes``, the routes to leave out; ``$window``; ``$marker``.
    """

    name: str
    """The word for it in ``spec.metrics.preset``."""
    exporter: str
    """The library, as people call it."""
    only: str = ""
    """A matcher; empty where the names of its metrics are its own."""
    marker: str
    """A selector of series that every pod with this exporter has: whether pods are covered is judged by them."""
    scrapes: str = "group by(namespace,pod,job,instance)($marker)"
    """One series for each scrape of a pod; two of one pod, and every sum counts it twice."""
    incomplete: str = "resets($marker[15m])>1 and $marker"
    """
    Pods that answer for one of several workers at a time. A counter that falls back was that of another process: once is a restart of the
    container, more than once within a quarter of an hour are workers that answer in turn.
    """
    one_of_several: str
    """What such pods do, and the way out."""
    serving: Mapping[Figure, str]
    """Requests, and how late the loops get to them: summed over the pods."""
    resources: Mapping[Figure, str]
    """CPU, workers, pools and queries: likewise."""
    others: Mapping[Figure, str] = field(default_factory=dict)
    """What is asked of other services, and what else tells of the pods: likewise."""
    largest: Mapping[Figure, str]
    """The largest of all pods."""
    slowest: Mapping[Figure, str] = field(default_factory=dict)
    """Buckets of which the 99th percentile is taken."""
    buckets: str
    """The distribution of the latency."""
    bucket_s: float = 1.0
    """The unit of the buckets' bounds, in seconds."""
    routes: Mapping[RouteFigure, str] = field(default_factory=dict)
    """By the label `ROUTE`; those of one request are divided by its requests later."""
    fast: frozenset[Figure] = frozenset()
    """Figures to be seen over a short window too, and the distribution with them; empty where growing could not rest on them anyway."""
    note: str
    """What its latency means."""
    options: Mapping[Signal, str] = field(default_factory=dict)
    """Signals that the exporter has only when told to, and how it is told."""

    def promql(self, expression: str, *, pods: str, window: str) -> str:
        """Fill the holes of *expression*."""
        selected = Template(expression).safe_substitute(marker=self.marker)
        return Template(selected).substitute(only=self.only, pods=pods, probes=PROBES, window=window)

    @property
    def figures(self) -> frozenset[Figure]:
        """Every figure that the exporter may tell."""
        return frozenset((*self.serving, *self.resources, *self.others, *self.largest, *self.slowest))
