"""From a sweep's samples to what was seen of one target. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apituner.core.snapshot import Absence, Signal, Snapshot, Unobserved
from apituner.ports import Target
from apituner.prometheus.answer import Sample
from apituner.prometheus.coverage import Sight, objection
from apituner.prometheus.figures import FORMULAS, Figures, read
from apituner.prometheus.histogram import histogram
from apituner.prometheus.series import Count, Figure

Key = tuple[str, str]
"""Namespace and Deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One sweep of one source, by workload."""

    taken_at: datetime
    window_s: float
    counts: Mapping[Key, Mapping[str, float]]
    figures: Mapping[Key, Figures]
    buckets: Mapping[Key, Mapping[str, float]]
    """Requests per second by the bucket's upper bound, as the label ``le`` writes it."""


def by_workload(samples: Iterable[Sample], label: str) -> dict[Key, dict[str, float]]:
    """
    Sort samples by workload and by the value of *label*; those of other pods fall out.

    Two values for one thing contradict each other, so neither is believed.
    """
    found: dict[Key, dict[str, float]] = {}
    for sample in samples:
        namespace, workload, name = (sample.labels.get(wanted, "") for wanted in ("namespace", "workload", label))
        if namespace and workload and name:
            values = found.setdefault((namespace, workload), {})
            values[name] = math.nan if name in values else sample.value
    return found


def readout(target: Target, seen: Seen) -> Snapshot | Unobserved:
    """Tell what was seen of *target*: every signal has a reading, or a reason why not."""
    key = (target.namespace, target.deployment)
    counts = seen.counts.get(key, {})
    if not all(math.isfinite(count) for count in counts.values()):
        because = (
            f"source {target.source!r} counts the pods of {target.namespace}/{target.deployment} in no numbers: check what stands before it"
        )
        return Unobserved(reason=Absence.BAD_ANSWER, because=because)
    sight = Sight(target=target, counts=counts, window_s=seen.window_s)
    if unseen := objection(sight):
        return unseen
    figures = seen.figures.get(key, {})
    read_out = {signal: formula(figures) for signal, formula in FORMULAS.items()} | distribution(target, figures, seen.buckets.get(key, {}))
    return Snapshot(
        taken_at=seen.taken_at,
        window_s=seen.window_s,
        pods_reporting=sight.of(Count.REPORTING),
        readings={signal: value for signal, value in read_out.items() if not isinstance(value, Absence)},
        absent={signal: value for signal, value in read_out.items() if isinstance(value, Absence)},
    )


def distribution(target: Target, figures: Figures, buckets: Mapping[str, float]) -> dict[Signal, float | Absence]:
    """Read the target's own percentile, and the share over its own threshold, out of the buckets."""
    absence = _no_distribution(figures, buckets)
    measured = None if absence else histogram(_bounds(buckets))
    if measured is None or measured.total == 0:
        absence = absence or (Absence.NOT_A_NUMBER if measured is None else Absence.NO_TRAFFIC)
        return {Signal.LATENCY_OBJECTIVE_S: absence, Signal.OVER_OBJECTIVE_RATIO: absence}
    return {
        Signal.LATENCY_OBJECTIVE_S: measured.quantile(target.objective.percentile / 100),
        Signal.OVER_OBJECTIVE_RATIO: measured.share_over(target.objective.latency_s),
    }


def _no_distribution(figures: Figures, buckets: Mapping[str, float]) -> Absence | None:
    if not buckets:
        return Absence.NO_SERIES
    requests = read(figures, Figure.REQUESTS)
    return Absence.NO_TRAFFIC if requests == 0 else requests if isinstance(requests, Absence) else None


def _bounds(buckets: Mapping[str, float]) -> dict[float, float]:
    """Turn labels into numbers; one that is none makes the whole no histogram."""
    try:
        return {float(bound): rate for bound, rate in buckets.items()}
    except ValueError:
        return {}
