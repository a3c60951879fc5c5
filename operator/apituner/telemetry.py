"""The operator's own metrics, and whether it is alive and ready."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from apituner.engine.sweep import Tally
from apituner.prometheus.client import PrometheusSource


class _SourceCollector(Collector):
    """Reads the tallies of the metrics sources at scrape time."""

    def __init__(self, sources: Mapping[str, PrometheusSource]) -> None:
        self._sources = sources

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Yield what was asked, and how long the answers took."""
        queries = CounterMetricFamily("apituner_prometheus_queries", "Queries by their outcome.", labels=["source", "outcome"])
        seconds = CounterMetricFamily("apituner_prometheus_query_seconds", "Time that all queries took.", labels=["source"])
        for name, source in self._sources.items():
            for outcome, count in source.tally.queries.items():
                queries.add_metric([name, outcome], count)
            seconds.add_metric([name], source.tally.seconds)
        yield queries
        yield seconds


@dataclass(slots=True, kw_only=True)
class Telemetry:
    """Counts sweeps and decisions. Liveness: a sweep ended lately; readiness: one has ended since the start."""

    sources: Mapping[str, PrometheusSource]
    patience_s: float
    """How long without the end of a sweep before the operator calls itself stuck."""
    started_at_s: float
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _last_end_s: float | None = None
    _sweeps: Histogram = field(init=False)
    _decisions: Counter = field(init=False)
    _faults: Counter = field(init=False)
    _objects: Gauge = field(init=False)

    def __post_init__(self) -> None:
        self._sweeps = Histogram("apituner_sweep_seconds", "How long a sweep took.", registry=self.registry)
        self._decisions = Counter("apituner_decisions", "Decisions by kind and reason.", ["kind", "reason"], registry=self.registry)
        self._faults = Counter("apituner_faults", "Objects or whole sweeps that met a bug.", registry=self.registry)
        self._objects = Gauge("apituner_objects", "ApiTunings in the last sweep.", registry=self.registry)
        self.registry.register(_SourceCollector(self.sources))

    def swept(self, tally: Tally | None, took_s: float, at_s: float) -> None:
        """Count one sweep that ended at the monotonic time *at_s*; None is one that failed as a whole."""
        self._sweeps.observe(took_s)
        if tally is None:
            self._faults.inc()
            return
        self._last_end_s = at_s
        self._objects.set(tally.objects)
        self._faults.inc(tally.faults)
        for (kind, reason), count in tally.decisions.items():
            self._decisions.labels(kind, reason).inc(count)

    def alive(self, now_s: float) -> bool:
        """Whether a sweep has ended within the patience; before the first, whether the start is not older."""
        return now_s - (self.started_at_s if self._last_end_s is None else self._last_end_s) < self.patience_s

    @property
    def ready(self) -> bool:
        """Whether a sweep has ended since the start."""
        return self._last_end_s is not None
