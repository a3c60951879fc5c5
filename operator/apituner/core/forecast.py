"""What a configuration would give: the model, closed form throughout."""

import math
from dataclasses import dataclass

from apituner.core.configuration import Configuration
from apituner.core.problem import Problem
from apituner.core.stations import Stations, stations

# Nine in ten outcomes are to lie within the bounds: 1.64 standard errors of a normal distribution to either side.
_NINE_IN_TEN = 1.64
# What one window says of a demand, and so what many say by their root (10 % of noise in a window of 15 s with some hundred requests).
_WINDOW_ERROR = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the model says a configuration gives at the demand of now."""

    mean_s: float
    """Mean latency."""
    latency_s: float
    """The objective's percentile; infinite where a station is saturated."""
    least_s: float
    """Nine in ten times the percentile will lie between this"""
    most_s: float
    """and that; the farther apart, the less was seen and the nearer a station is to saturation."""
    over_objective_ratio: float
    """The share of requests slower than the objective."""
    pool_wait_s: float
    """Mean wait for a connection."""
    pool_waiting_ratio: float
    """The share of acquisitions that find no free connection."""
    pool_utilization: float
    cpu_utilization: float
    loop_utilization: float
    connections: int
    connections_at_peak: int
    """While today's configuration becomes this one."""
    memory_bytes: float | None
    """Of one pod; None where a worker's is not reported."""


def forecast(problem: Problem, there: Configuration, at: Stations | None = None) -> Forecast:
    """Forecast *there*; *at* are the problem's stations, where they are known already."""
    at = at or stations(problem)
    shape = (there.replicas, there.workers)
    full = (*shape, there.pool_limit)
    engines, worker_bytes = problem.policy.engines_per_worker, problem.demand.worker_bytes
    least_s, most_s = _between(problem, at, full)
    return Forecast(
        mean_s=at.mean_s(*full),
        latency_s=at.latency_s(*full),
        least_s=least_s,
        most_s=most_s,
        over_objective_ratio=at.slower_ratio(*full, problem.policy.objective.latency_s),
        pool_wait_s=at.wait_s(*full),
        pool_waiting_ratio=at.waiting_ratio(*full),
        pool_utilization=at.offered(*shape) / there.pool_limit,
        cpu_utilization=at.cpu_utilization(*shape),
        loop_utilization=at.loop_utilization(*shape),
        connections=there.connections(engines),
        connections_at_peak=problem.peak(there),
        memory_bytes=None if worker_bytes is None else problem.base_bytes + there.workers * worker_bytes,
    )


def _between(problem: Problem, at: Stations, full: tuple[int, int, int]) -> tuple[float, float]:
    """
    Return the bounds of the latency: the forecast with all demands as small, and as large, as they may be, and the tail's own error on top.

    Demands enter by the model itself, so that the bounds are far apart where a little more would saturate a station.
    """
    demand, calibration = problem.demand, problem.calibration
    known = _NINE_IN_TEN * max(demand.relative_error, _WINDOW_ERROR / math.sqrt(max(1, demand.windows)))
    tail = _NINE_IN_TEN * calibration.error / calibration.factor
    least_s = at.slowed(1 / (1 + known)).latency_s(*full) / (1 + tail)
    return least_s, at.slowed(1 + known).latency_s(*full) * (1 + tail)
