"""The cheapest configuration that keeps every limit and meets every need; or what stands in its way."""

import math
from dataclasses import dataclass, replace

from apituner.core.alternatives import Alternative, rejected
from apituner.core.configuration import Configuration, Knob
from apituner.core.costs import processes_cores
from apituner.core.feasibility import LIMITS, NEEDS, Cause
from apituner.core.forecast import Forecast, forecast
from apituner.core.problem import Problem
from apituner.core.reach import nearest
from apituner.core.search import Search, search

__all__ = ["Alternative", "Problem", "Solution", "Unsolvable", "solve", "solve_replicas"]

# A recommendation stays as it is while a new one would save less than this share: noise moves the least pool by one from sweep to sweep.
_WORTH_A_NEW_ONE = 0.10
_POOL_NOISE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The configuration to go to, what the model says of it, and the more obvious ones that fell."""

    target: Configuration
    forecast: Forecast
    because: str
    rejected: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsolvable:
    """No configuration within the bounds will do: the binding cause, and the best that is within reach."""

    cause: Cause
    because: str
    rejected: tuple[Alternative, ...]
    reachable_s: float | None = None
    """The least latency at the objective's percentile that bounds and limits allow; infinite where a station is saturated in all that they
    allow, None where they allow nothing."""


def solve(problem: Problem, *, recommended: Configuration | None = None) -> Solution | Unsolvable:
    """Return the cheapest feasible configuration; *recommended*, the last answer, is kept while it is feasible and nearly as cheap."""
    if not problem.pools:
        most = problem.policy.knobs[Knob.POOL].most
        overflow = problem.here.max_overflow
        because = f"an overflow of {overflow} leaves no size in a pool of {most}: name its variable in spec.knobs.pool.overflowEnv"
        return Unsolvable(cause=Cause.POOL, because=because, rejected=())
    within = search(problem)
    best = within.cheapest()
    if best is None:
        return _unsolvable(within)
    if recommended is not None:
        best = _nearly_as_cheap(within, best, recommended) or best
    found = forecast(problem, best, within.stations)
    because = f"the least that gives p{problem.policy.objective.percentile:g} of about {found.latency_s * 1e3:.0f} ms with headroom"
    return Solution(target=best, forecast=found, because=because, rejected=rejected(within, best))


def solve_replicas(problem: Problem) -> Solution | Unsolvable:
    """Return the best number of pods while workers and pool stay as they are: no rollout, so it may follow the load at once."""
    pods = problem.policy.knobs.get(Knob.REPLICAS)
    return solve(replace(problem, policy=replace(problem.policy, knobs={} if pods is None else {Knob.REPLICAS: pods})))


def _nearly_as_cheap(within: Search, best: Configuration, recommended: Configuration) -> Configuration | None:
    """
    Return what was recommended, with the least pool that suffices now unless its own is hardly larger; None where it has been overtaken.

    It never has fewer processes than *best*, and whether it is nearly as cheap does not depend on the load: so the answer does not shrink
    as the load grows, with a recommendation as without.
    """
    replicas, workers, pool = recommended.replicas, recommended.workers, recommended.pool_limit
    cores, least_cores = (processes_cores(within.problem, one.replicas, one.workers) for one in (recommended, best))
    if replicas not in within.replicas or workers not in within.workers or replicas * workers < best.replicas * best.workers:
        return None
    if cores > (1 + _WORTH_A_NEW_ONE) * least_cores or not within.suffices(replicas, workers, within.pools[-1]):
        return None
    least = within.pool(replicas, workers, within.pools[-1])
    if within.problem.allows(recommended) and 0 <= pool - least <= _POOL_NOISE and within.broken(recommended, LIMITS) is None:
        return recommended
    found = within.at(replicas, workers, least, LIMITS)
    return found and found[1]


def _unsolvable(within: Search) -> Unsolvable:
    """Say what forbids the cheapest that would do; where nothing would, what the nearest of the allowed ones lacks."""
    near, others = nearest(within), rejected(within, None)
    reachable_s, reach = None, ""
    if near is not None:
        reachable_s = near[0]
        percentile = f"p{within.problem.policy.objective.percentile:g}"
        least = f"the least {percentile} within reach is {reachable_s * 1e3:.0f} ms"
        reach = "; " + (least if math.isfinite(reachable_s) else "nothing within reach keeps up with the load")
    cause, because = _cause(within, near and near[1])
    return Unsolvable(cause=cause, because=because + reach, rejected=others, reachable_s=reachable_s)


def _cause(within: Search, near: Configuration | None) -> tuple[Cause, str]:
    for wider in (within, search(within.problem, within.stations, any_workers=True)):
        if (sufficient := wider.unlimited()) is not None:
            limit = next(within.violations(sufficient, LIMITS))
            return limit.cause, f"{sufficient} would do, but: {limit.because}"
    if near is not None:
        need = next(within.violations(near, NEEDS))
        return need.cause, f"nothing within the bounds will do; nearest is {near}: {need.because}"
    problem = within.problem
    least = problem.at(within.replicas[0], problem.span(Knob.WORKERS)[0], within.pools[0])
    limit = next(within.violations(least, LIMITS))
    return limit.cause, limit.because
