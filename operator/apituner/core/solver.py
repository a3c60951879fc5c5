"""The cheapest configuration that keeps every limit and meets every need, by exact enumeration."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from apituner.core.configuration import Configuration, Knob
from apituner.core.demand import ServiceDemand
from apituner.core.feasibility import LIMITS, NEEDS, Candidate, Cause, Infeasible, first_violation
from apituner.core.forecast import Forecast, forecast
from apituner.core.policy import Policy
from apituner.core.workload import Workload

# Prices in CPU cores. A pod costs the CPU it reserves; the rest breaks ties between pods of the same size: a worker is some 60 MiB of
# memory, a connection is a PostgreSQL backend of 5 to 10 MiB, a rollout is a minute of surge pods spread over an hour.
_POD_LEAST_CORES = 0.1
_WORKER_CORES = 0.02
_CONNECTION_CORES = 0.002
_ROLLOUT_CORES = 0.05
_POD_MOVED_CORES = 0.01

# A recommendation stays as it is while a new one would save less than this share: noise moves the least pool by one from sweep to sweep.
_WORTH_A_NEW_ONE = 0.10
_POOL_NOISE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Where we stand, what is asked of us, what is allowed."""

    here: Configuration
    demand: ServiceDemand
    policy: Policy
    workload: Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A configuration that was not chosen, and why it fell."""

    configuration: Configuration
    because: str


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


Tried = tuple[Candidate, Infeasible | None, Infeasible | None]
"""A candidate with the need and the limit that it breaks, if any."""


def candidate(problem: Problem, there: Configuration) -> Candidate:
    """Return *there* with its forecast."""
    cores = problem.workload.cpu_limit_cores
    return Candidate(
        here=problem.here,
        there=there,
        demand=problem.demand,
        forecast=forecast(there, problem.here, problem.demand, problem.policy, cores),
        policy=problem.policy,
        workload=problem.workload,
    )


def cost_cores(problem: Problem, there: Configuration) -> float:
    """Return the price of *there*, in CPU cores, the change itself included."""
    pod = max(_POD_LEAST_CORES, problem.workload.cpu_request_cores or problem.workload.cpu_limit_cores or 1.0)
    return (
        there.replicas * (pod + there.workers * _WORKER_CORES)
        + there.connections(problem.policy.engines_per_worker) * _CONNECTION_CORES
        + (0.0 if there.same_template(problem.here) else _ROLLOUT_CORES)
        + abs(there.replicas - problem.here.replicas) * _POD_MOVED_CORES
    )


def solve(problem: Problem, *, recommended: Configuration | None = None) -> Solution | Unsolvable:
    """
    Return the cheapest feasible configuration; *recommended*, the last answer, is kept while it is feasible and nearly as cheap.

    Cost grows with the pool while need falls with it, so for each replicas x workers only the least sufficient pool can be the answer:
    the enumeration is exact without trying the larger ones. The one exception is today's pool, which costs no rollout.
    """
    tried: list[Tried] = []
    for group in _groups(problem):
        for there in group:
            tested = candidate(problem, there)
            need, limit = first_violation(tested, NEEDS), first_violation(tested, LIMITS)
            tried.append((tested, need, limit))
            if need is None or not _larger_pool_helps(tested, need):
                break
    for replicas in _span(problem, Knob.REPLICAS, problem.here.replicas):
        if _within_bounds(problem, there := replace(problem.here, replicas=replicas)):
            tested = candidate(problem, there)
            tried.append((tested, first_violation(tested, NEEDS), first_violation(tested, LIMITS)))
    feasible = [tested for tested, need, limit in tried if need is None and limit is None]
    if not feasible:
        return _unsolvable(problem, tried)
    best = min(feasible, key=lambda tested: (cost_cores(problem, tested.there), tested.forecast.latency_s))
    if recommended is not None and _within_bounds(problem, recommended):
        last = candidate(problem, recommended)
        still_good = first_violation(last, NEEDS) is None and first_violation(last, LIMITS) is None
        close = abs(recommended.pool_limit - best.there.pool_limit) <= _POOL_NOISE
        if still_good and close and cost_cores(problem, recommended) <= (1 + _WORTH_A_NEW_ONE) * cost_cores(problem, best.there):
            best = last
    objective = problem.policy.objective
    because = f"the least that gives p{objective.percentile:g} of about {best.forecast.latency_s * 1e3:.0f} ms with headroom"
    return Solution(target=best.there, forecast=best.forecast, because=because, rejected=_rejected(problem, best.there))


def _larger_pool_helps(tested: Candidate, need: Infeasible) -> bool:
    """Not where CPU or loop fall short, nor where latency does although a request at the objective's percentile waits for no connection."""
    if need.cause is Cause.OBJECTIVE:
        return tested.forecast.pool_waiting_ratio > tested.policy.objective.slow_ratio
    return need.cause is Cause.POOL


def _span(problem: Problem, knob: Knob, here: int) -> range:
    bounds = problem.policy.knobs.get(knob)
    return range(here, here + 1) if bounds is None else range(bounds.least, bounds.most + 1)


def _overflow(problem: Problem) -> int:
    return 0 if problem.policy.sets_overflow and Knob.POOL in problem.policy.knobs else problem.here.max_overflow


def _pools(problem: Problem) -> range:
    """Return the limits that a pool may have, overflow included as in the spec's bounds; none below an overflow that is not ours to set."""
    span = _span(problem, Knob.POOL, problem.here.pool_limit)
    return range(max(span.start, _overflow(problem) + 1), span.stop)


def _with_pool(problem: Problem, replicas: int, workers: int, limit: int) -> Configuration:
    overflow = _overflow(problem)
    return Configuration(replicas=replicas, workers=workers, pool_size=limit - overflow, max_overflow=overflow)


def _groups(problem: Problem) -> Iterator[Iterator[Configuration]]:
    """Yield, for each replicas x workers, the pools from small to large."""
    for replicas in _span(problem, Knob.REPLICAS, problem.here.replicas):
        for workers in _span(problem, Knob.WORKERS, problem.here.workers):
            yield (_with_pool(problem, replicas, workers, limit) for limit in _pools(problem))


def _within_bounds(problem: Problem, there: Configuration) -> bool:
    return (
        there.replicas in _span(problem, Knob.REPLICAS, problem.here.replicas)
        and there.workers in _span(problem, Knob.WORKERS, problem.here.workers)
        and there.pool_limit in _pools(problem)
        and there.max_overflow == _overflow(problem)
    )


def _obvious(problem: Problem) -> Iterator[Configuration]:
    """Yield what somebody would try who knows one knob: nothing at all, more pods, the most pods, workers or the pool alone."""
    here = problem.here
    yield here
    for replicas in (2 * here.replicas, _span(problem, Knob.REPLICAS, here.replicas)[-1]):
        yield Configuration(replicas=replicas, workers=here.workers, pool_size=here.pool_size, max_overflow=here.max_overflow)
    if pools := _pools(problem):
        yield _with_pool(problem, here.replicas, _span(problem, Knob.WORKERS, here.workers)[-1], max(pools[0], here.pool_limit))
        yield _with_pool(problem, here.replicas, here.workers, pools[-1])


def _rejected(problem: Problem, chosen: Configuration | None) -> tuple[Alternative, ...]:
    fallen: dict[Configuration, str] = {}
    for there in _obvious(problem):
        allowed = there == problem.here or _within_bounds(problem, there) or there.same_template(problem.here)
        in_span = there.replicas in _span(problem, Knob.REPLICAS, problem.here.replicas)
        if there == chosen or there in fallen or not (allowed and in_span):
            continue
        tested = candidate(problem, there)
        broken = first_violation(tested, LIMITS) or first_violation(tested, NEEDS)
        if broken is not None:
            fallen[there] = broken.because
        elif chosen is not None:
            extra = cost_cores(problem, there) - cost_cores(problem, chosen)
            fallen[there] = f"would do, at the price of {extra:.2f} cores more"
    return tuple(Alternative(configuration=there, because=because) for there, because in fallen.items())


def _unsolvable(problem: Problem, tried: list[Tried]) -> Unsolvable:
    rejected = _rejected(problem, None)
    if not tried:
        most = problem.policy.knobs[Knob.POOL].most
        overflow = problem.here.max_overflow
        because = f"an overflow of {overflow} leaves no size in a pool of {most}: name its variable in spec.knobs.pool.overflowEnv"
        return Unsolvable(cause=Cause.POOL, because=because, rejected=rejected)
    for tested, need, limit in tried:
        if need is None and limit is not None:
            because = f"{tested.there} would do, but: {limit.because}"
            return Unsolvable(cause=limit.cause, because=because, rejected=rejected)
    within = [(tested, need) for tested, need, limit in tried if limit is None and need is not None]
    if not within:
        limit = next(limit for _, _, limit in tried if limit is not None)
        return Unsolvable(cause=limit.cause, because=limit.because, rejected=rejected)
    nearest, need = min(within, key=lambda pair: (pair[0].forecast.latency_s, -cost_cores(problem, pair[0].there)))
    because = f"nothing within the bounds will do; nearest is {nearest.there}: {need.because}"
    return Unsolvable(cause=need.cause, because=because, rejected=rejected)
