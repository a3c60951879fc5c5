"""Sees all APIs of all sources at once: at most six queries a source and sweep, however many APIs and exporters there are."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apituner.core.snapshot import Absence, Snapshot, Unobserved
from apituner.ports import Target
from apituner.prometheus.answer import Sample
from apituner.prometheus.choice import in_play
from apituner.prometheus.client import PrometheusSource
from apituner.prometheus.details import by_route
from apituner.prometheus.faults import SourceFault
from apituner.prometheus.presets.preset import ROUTE
from apituner.prometheus.queries import NAME, detection, sweep
from apituner.prometheus.readout import Seen, by_workload, readout


@dataclass(frozen=True, slots=True)
class PrometheusObserver:
    """
    Implements `apituner.ports.Observer`.

    A sweep of a source is taken whole or not at all: figures from half of its queries would contradict each other. Sources do not touch
    each other: each is asked on its own, and its faults are those of its own targets only.
    """

    sources: Mapping[str, PrometheusSource]
    window_s: float

    async def observe(self, targets: Sequence[Target], now: datetime) -> Mapping[Target, Snapshot | Unobserved]:
        """One answer for every target; no exception for what the world does."""
        by_source: dict[str, list[Target]] = {}
        for target in targets:
            by_source.setdefault(target.source, []).append(target)
        seen = await asyncio.gather(*(self._observe(source, wanted, now) for source, wanted in by_source.items()))
        answers = {target: answer for part in seen for target, answer in part.items()}
        return {target: answers[target] for target in targets}

    async def _observe(self, name: str, targets: Sequence[Target], now: datetime) -> dict[Target, Snapshot | Unobserved]:
        if (source := self.sources.get(name)) is None:
            known = ", ".join(sorted(self.sources)) or "none"
            because = f"no metrics source is named {name!r}: known are {known}; write one of them in spec.metrics.source"
            return dict.fromkeys(targets, Unobserved(reason=Absence.UNKNOWN_SOURCE, because=because))
        try:
            seen = await self._sweep(source, targets, now)
        except SourceFault as fault:
            return dict.fromkeys(targets, Unobserved(reason=fault.absence, because=str(fault)))
        return {target: readout(target, seen) for target in targets}

    async def _sweep(self, source: PrometheusSource, targets: Sequence[Target], now: datetime) -> Seen:
        at = now.timestamp()
        # First alone: it tells what else to ask, and a source that hangs then costs one thread and one deadline.
        found = by_workload(await source.ask(detection({target.namespace for target in targets}, self.window_s), at=at), NAME)
        if not (presets := in_play(targets, found)):
            return Seen(taken_at=now, window_s=self.window_s, numbers=found, buckets={})
        answers = await self._ask_all(source, sweep(presets, self.window_s), at)
        samples = [sample for part in answers.values() for sample in part]
        plain = [sample for sample in samples if ROUTE not in sample.labels and "le" not in sample.labels]
        buckets = [sample for sample in samples if "le" in sample.labels]
        told = by_workload(plain, NAME)
        return Seen(
            taken_at=now,
            window_s=self.window_s,
            numbers={key: found.get(key, {}) | told.get(key, {}) for key in (*found, *told)},
            buckets=by_workload((sample for sample in buckets if NAME not in sample.labels), "le"),
            fast_buckets=by_workload((sample for sample in buckets if NAME in sample.labels), "le"),
            routes=by_route(sample for sample in samples if ROUTE in sample.labels),
        )

    async def _ask_all(self, source: PrometheusSource, queries: Mapping[str, str], at: float) -> Mapping[str, tuple[Sample, ...]]:
        """Ask at once; one that fails, fails all, but only when all have come back."""
        answers = await asyncio.gather(*(source.ask(query, at=at) for query in queries.values()), return_exceptions=True)
        found = {name: answer for name, answer in zip(queries, answers, strict=True) if not isinstance(answer, BaseException)}
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return found
