"""Sees all APIs of all sources at once: five queries a source and sweep, however many APIs there are."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apituner.core.snapshot import Absence, Snapshot, Unobserved
from apituner.ports import Target
from apituner.prometheus.client import PrometheusSource
from apituner.prometheus.faults import SourceFault
from apituner.prometheus.queries import sweep
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
        queries = sweep([target.namespace for target in targets], self.window_s)
        at = now.timestamp()
        # First alone: nothing can be trusted without it, and a source that hangs then costs one thread and one deadline.
        counts = await source.ask(queries.coverage, at=at)
        names, wanted = zip(*queries.readings.items(), strict=True)
        answers = await asyncio.gather(*(source.ask(query, at=at) for query in wanted), return_exceptions=True)
        found = {name: answer for name, answer in zip(names, answers, strict=True) if not isinstance(answer, BaseException)}
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return Seen(
            taken_at=now,
            window_s=self.window_s,
            counts=by_workload(counts, "signal"),
            figures=by_workload([*found["serving"], *found["database"], *found["extremes"]], "signal"),
            buckets=by_workload(found["latency"], "le"),
        )
