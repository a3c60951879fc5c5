"""From a sweep's samples to what was seen of one target. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from apituner.core.snapshot import Absence, Exporter, Signal, Snapshot, Unobserved
from apituner.ports import Target
from apituner.prometheus.answer import Sample
from apituner.prometheus.choice import Key, Numbers, choose, key, pods, there
from apituner.prometheus.coverage import Sight, objection
from apituner.prometheus.details import Routes, fast_of, routes_of
from apituner.prometheus.figures import FORMULAS, Figures, read
from apituner.prometheus.histogram import histogram
from apituner.prometheus.presets.precedence import PRESETS
from apituner.prometheus.presets.preset import Preset
from apituner.prometheus.queries import FAST, FAST_RATIO
from apituner.prometheus.series import Count, Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One sweep of one source, by workload and preset."""

    taken_at: datetime
    window_s: float
    numbers: Numbers
    buckets: Mapping[Key, Mapping[str, float]]
    """Requests per second by the bucket's upper bound, as the label ``le`` writes it."""
    fast_buckets: Mapping[Key, Mapping[str, float]] = field(default_factory=dict)
    """Likewise, over the short window."""
    routes: Mapping[Key, Routes] = field(default_factory=dict)


def by_workload(samples: Iterable[Sample], label: str) -> dict[Key, dict[str, float]]:
    """
    Sort samples by workload and preset, and by the value of *label*; those of other pods fall out.

    Two values for one thing contradict each other, so neither is believed.
    """
    found: dict[Key, dict[str, float]] = {}
    for sample in samples:
        namespace, workload, preset, name = (sample.labels.get(wanted, "") for wanted in ("namespace", "workload", "preset", label))
        if namespace and workload and name:
            values = found.setdefault((namespace, workload, preset), {})
            values[name] = math.nan if name in values else sample.value
    return found


def readout(target: Target, seen: Seen) -> Snapshot | Unobserved:
    """Tell what was seen of *target*: every signal has a reading, or a reason why not."""
    counts = [seen.numbers.get(key(target, preset), {}).get(count, 0.0) for preset in (None, *PRESETS) for count in Count]
    if not all(math.isfinite(count) for count in counts):
        because = (
            f"source {target.source!r} counts the pods of {target.namespace}/{target.deployment} in no numbers: check what stands before it"
        )
        return Unobserved(reason=Absence.BAD_ANSWER, because=because)
    if isinstance(preset := choose(target, seen.numbers), Unobserved):
        return preset
    sight = Sight(target=target, preset=preset, numbers=seen.numbers, window_s=seen.window_s)
    if unseen := objection(sight):
        return unseen
    place = key(target, preset)
    figures: Figures = {**dict.fromkeys(set(Figure) - preset.figures, Absence.NOT_EXPORTED), **seen.numbers.get(place, {})}
    shape = distribution(target, figures, seen.buckets.get(place, {}), preset.bucket_s)
    read_out = {signal: formula(figures) for signal, formula in FORMULAS.items()} | shape
    return Snapshot(
        taken_at=seen.taken_at,
        window_s=seen.window_s,
        pods_reporting=sight.of(Count.REPORTING),
        readings={signal: value for signal, value in read_out.items() if not isinstance(value, Absence)},
        absent={signal: value for signal, value in read_out.items() if isinstance(value, Absence)},
        exporter=exporter(target, preset, seen.numbers),
        fast=_fast(sight, seen),
        fast_window_s=seen.window_s * FAST_RATIO,
        routes=routes_of(seen.routes.get(place, {}), figures),
    )


def _fast(sight: Sight, seen: Seen) -> dict[Signal, float]:
    """Return what the short window holds; nothing where a pod was scraped too seldom for it, for a sum over some pods is too small."""
    if not sight.preset.fast or sight.of(Count.FAST) < sight.of(Count.REPORTING):
        return {}
    place = key(sight.target, sight.preset)
    numbers = seen.numbers.get(place, {})
    requests = {str(Figure.REQUESTS): numbers[FAST + Figure.REQUESTS]} if FAST + Figure.REQUESTS in numbers else {}
    shape = distribution(sight.target, requests, seen.fast_buckets.get(place, {}), sight.preset.bucket_s)
    over = shape[Signal.OVER_OBJECTIVE_RATIO]
    return fast_of(numbers) | ({} if isinstance(over, Absence) else {Signal.OVER_OBJECTIVE_RATIO: over})


def exporter(target: Target, preset: Preset, numbers: Numbers) -> Exporter:
    """Say in words what was read, and what else is there, or was until lately."""
    notes = [preset.note]
    for other in there(target, numbers):
        if other is not preset:
            current = pods(numbers, target, other, Count.CURRENT)
            notes.append(f"{other.exporter} {'is there too' if current else 'was there, and is no longer'}")
    return Exporter(name=preset.exporter, note="; ".join(notes), options=preset.options)


def distribution(target: Target, figures: Figures, buckets: Mapping[str, float], bucket_s: float) -> dict[Signal, float | Absence]:
    """Read the target's own percentile, and the share over its own threshold, out of the buckets."""
    absence = _no_distribution(figures, buckets)
    measured = None if absence else histogram(_bounds(buckets, bucket_s))
    if measured is None or measured.total == 0:
        absence = absence or (Absence.NOT_A_NUMBER if measured is None else Absence.NO_TRAFFIC)
        return {Signal.LATENCY_OBJECTIVE_S: absence, Signal.OVER_OBJECTIVE_RATIO: absence}
    return {
        Signal.LATENCY_OBJECTIVE_S: measured.quantile(target.objective.percentile / 100),
        Signal.OVER_OBJECTIVE_RATIO: measured.share_over(target.objective.latency_s),
    }


def _no_distribution(figures: Figures, buckets: Mapping[str, float]) -> Absence | None:
    requests = read(figures, Figure.REQUESTS)
    if requests == 0:
        return Absence.NO_TRAFFIC
    if not buckets:
        return Absence.NO_SERIES
    return requests if isinstance(requests, Absence) else None


def _bounds(buckets: Mapping[str, float], bucket_s: float) -> dict[float, float]:
    """Turn labels into seconds, "1" and "1.0" into one; one that is no number makes the whole no histogram."""
    found: dict[float, float] = {}
    try:
        for label, rate in buckets.items():
            bound_s = float(label) * bucket_s
            found[bound_s] = found.get(bound_s, 0.0) + rate
    except ValueError:
        return {}
    return found
