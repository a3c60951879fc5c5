"""How far the tail of latency lies above its mean, and how much of the mean the model explains: learnt from what is measured."""

import math
from dataclasses import dataclass, replace

from apituner.core.configuration import Configuration
from apituner.core.demand import ServiceDemand
from apituner.core.laws import residence_s

# A running FastAPI showed p95 at 2.0 to 2.4 and p99 at 2.4 to 3.1 times the mean, an exponential has 3.0 and 4.6: 0.6 to 0.8 of it. The
# upper end is the prior: too slow a forecast buys a pod too many, too fast a one misses the objective.
_FACTOR = 0.8
_FACTOR_ERROR = 0.15
# How many windows the prior counts for, and the most that the past counts for later: 5 and 15 minutes of four windows a minute.
_PRIOR_WINDOWS = 20
_MEMORY_WINDOWS = 60
# One window tells a percentile to about so much of itself; the factor is never believed to be known better than its windows allow.
_WINDOW_ERROR = 0.20
# A factor from a window in which hardly anything happened, or in which one request stood for all, is no tail.
_FACTOR_LEAST, _FACTOR_MOST = 0.2, 3.0
# The busy share beyond which a queue is not yet in balance, so that its percentiles say more about its past than about its load.
_SATURATED = 0.9
RESIDUAL_MOST = 0.30
"""The share of the mean latency that the model may leave unexplained; beyond it, what it says about other configurations is a guess."""
# Of a window's residual, so that a single odd one does not silence the model: half of a lasting one is seen after three.
_RESIDUAL_GAIN = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What the windows so far say about the model's two weak points."""

    factor: float = _FACTOR
    """A percentile over the mean, as a share of what an exponential distribution has, ln(1 / (1 - p))."""
    error: float = _FACTOR_ERROR
    """The standard error of *factor*."""
    windows: int = 0
    """How many windows taught it; the prior alone where 0."""
    residual: float = 0.0
    """The share of the measured mean that the model does not explain, smoothed."""

    @property
    def trusted(self) -> bool:
        """Whether the model explains enough of what is measured to act by it."""
        return self.residual <= RESIDUAL_MOST

    def tail(self, percentile: float) -> float:
        """Return the percentile over the mean; never below 1, as the objectives lie far above the median."""
        return max(1.0, self.factor * exponential_tail(percentile))

    def seeing(self, *, percentile: float, latency_s: float, mean_s: float, saturated: bool) -> "Calibration":
        """
        Return the calibration after a window whose *percentile* was *latency_s* and whose mean was *mean_s*, both without the pool's queue.

        A weighted mean of the windows that counts the prior for some of them, and forgets the old ones at last. Nothing is learnt while a
        station is *saturated*.
        """
        if saturated or mean_s <= 0 or latency_s <= 0:
            return self
        found = min(_FACTOR_MOST, max(_FACTOR_LEAST, latency_s / mean_s / exponential_tail(percentile)))
        gain = 1 / min(_MEMORY_WINDOWS, _PRIOR_WINDOWS + self.windows + 1)
        off = found - self.factor
        variance = (1 - gain) ** 2 * self.error**2 + gain**2 * max(abs(off), _WINDOW_ERROR * found) ** 2
        return replace(self, factor=self.factor + gain * off, error=math.sqrt(variance), windows=self.windows + 1)

    def explaining(self, residual: float) -> "Calibration":
        """Return the calibration after a window of which the model left *residual* unexplained."""
        return replace(self, residual=self.residual + _RESIDUAL_GAIN * (residual - self.residual))


PRIOR = Calibration()
"""What is believed of an API before the first window."""


def exponential_tail(percentile: float) -> float:
    """Return a percentile of an exponential distribution over its mean."""
    return math.log(1 / (1 - percentile / 100))


def saturated(*, cpu_utilization: float, loop_utilization: float, pool_utilization: float) -> bool:
    """Whether a station is so busy that its queue still grows or falls."""
    return max(cpu_utilization, loop_utilization, pool_utilization) > _SATURATED


def residual(demand: ServiceDemand, here: Configuration, *, mean_s: float, pool_wait_s: float) -> float:
    """
    Return the share of the measured mean latency that the model does not explain, or explains too much of.

    | mean - (loops + acquisitions * wait + queries * time + calls) | / mean, loops as processor sharing. Where the statements are not
    measured the time for which connections are held stands for them. Where they are held for longer than statements take, the rest of that
    time is measured too, but not whether the loop or a call is in it already: a mean between both readings is explained.
    """
    if mean_s <= 0:
        return 0.0
    busy_s = demand.loop_s + demand.blocked_s
    # What is past saturation was served all the same, so the model is asked just below it, as the estimate of `elsewhere_s` was.
    utilization = min(0.95, demand.arrivals_rps * busy_s / (here.replicas * here.workers)) if here.replicas else 0.0
    holding_s = demand.acquisitions * demand.hold_s
    querying_s = demand.queries * demand.query_s or holding_s
    least_s = residence_s(busy_s, utilization) + demand.acquisitions * pool_wait_s + querying_s + demand.external_s
    most_s = least_s + max(0.0, holding_s - querying_s)
    return max(0.0, least_s - mean_s, mean_s - most_s) / mean_s
