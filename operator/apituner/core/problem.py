"""All that the choice of a configuration rests on."""

from dataclasses import dataclass

from apituner.core.calibration import PRIOR, Calibration
from apituner.core.configuration import Configuration, Knob, connections_at_peak
from apituner.core.demand import ServiceDemand
from apituner.core.policy import Policy
from apituner.core.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Where we stand, what is asked of us, what is allowed, and what is known of the model's errors."""

    here: Configuration
    demand: ServiceDemand
    policy: Policy
    workload: Workload
    calibration: Calibration = PRIOR
    burst_s: float = 0.0
    """How long a blocked loop stands still at a time; 0 where it does not, or where that is not known."""
    base_bytes: float = 0.0
    """Memory of a pod beside its workers; 0 where it is not known."""

    def span(self, knob: Knob) -> range:
        """Return what *knob* may be set to; only what it is where the spec does not name it. A pool counts with its overflow."""
        bounds = self.policy.knobs.get(knob)
        if bounds is not None:
            return range(bounds.least, bounds.most + 1)
        now = {Knob.REPLICAS: self.here.replicas, Knob.WORKERS: self.here.workers, Knob.POOL: self.here.pool_limit}[knob]
        return range(now, now + 1)

    @property
    def overflow(self) -> int:
        """The overflow of every answer: none where it is ours to set, as the size then carries the whole pool."""
        return 0 if self.policy.sets_overflow and Knob.POOL in self.policy.knobs else self.here.max_overflow

    @property
    def pools(self) -> range:
        """What a pool may be in all; nothing below an overflow that is not ours to set."""
        span = self.span(Knob.POOL)
        return range(max(span.start, self.overflow + 1), span.stop)

    def at(self, replicas: int, workers: int, pool: int) -> Configuration:
        """Return the configuration with *pool* connections in all."""
        return Configuration(replicas=replicas, workers=workers, pool_size=pool - self.overflow, max_overflow=self.overflow)

    def peak(self, there: Configuration) -> int:
        """Return the most connections while today's configuration becomes *there*."""
        return connections_at_peak(self.here, there, self.policy.engines_per_worker)

    def allows(self, there: Configuration) -> bool:
        """Whether *there* keeps the bounds of the spec."""
        return (
            there.replicas in self.span(Knob.REPLICAS)
            and there.workers in self.span(Knob.WORKERS)
            and there.pool_limit in self.pools
            and there.max_overflow == self.overflow
        )
