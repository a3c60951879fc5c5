"""What a configuration must satisfy before it may be chosen: named constraints in a fixed order."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from apituner.core.configuration import Configuration
from apituner.core.problem import Problem
from apituner.core.stations import Stations, connections_useful

# Targets of the queueing model: beyond them a small error in demand or a burst costs much latency (D / (1 - U) has tripled at 0.67).
_CPU_UTILIZATION_MOST = 0.65
_LOOP_UTILIZATION_MOST = 0.70
# With one arrival in twenty waiting a pool has about a + 1.6 * sqrt(a) connections: room for bursts, and none lying idle for long.
_POOL_WAITING_MOST = 0.05
# Latency is forecast with an error of up to 15 %; the objective is to be met all the same.
_HEADROOM = 0.15
# Of the memory limit: the rest is for the page cache, threads and the moment of a copy.
_MEMORY_MOST = 0.90
_MIB = 2**20


class Cause(StrEnum):
    """The constraint that a configuration breaks."""

    MEMORY = "Memory"
    CONNECTION_BUDGET = "ConnectionBudget"
    DATABASE = "Database"
    CPU = "Cpu"
    LOOP = "Loop"
    POOL = "Pool"
    OBJECTIVE = "Objective"


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasible:
    """Why a configuration may not be chosen."""

    cause: Cause
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A configuration under test: where it is to lead from and to, and what the model says of it."""

    problem: Problem
    stations: Stations
    there: Configuration


Constraint = Callable[[Candidate], Infeasible | None]


def workers_fit_the_memory(c: Candidate) -> Infeasible | None:
    """More workers need memory that is known to be there: the largest worker today prices each of them, beside what a pod needs anyway."""
    limit, worker_bytes = c.problem.workload.memory_limit_bytes, c.problem.demand.worker_bytes
    if c.there.workers <= c.problem.here.workers or limit is None:
        return None
    if worker_bytes is None:
        return Infeasible(cause=Cause.MEMORY, because="memory of a worker is not reported, so none can be added below a memory limit")
    needed = c.problem.base_bytes + c.there.workers * worker_bytes
    if needed <= _MEMORY_MOST * limit:
        return None
    because = f"{c.there.workers} workers need {needed / _MIB:.0f} MiB, more than {_MEMORY_MOST:.0%} of the limit of {limit / _MIB:.0f} MiB"
    return Infeasible(cause=Cause.MEMORY, because=because)


def workers_have_cores(c: Candidate) -> Infeasible | None:
    """
    Workers beyond the cores of a pod throttle each other, unless some stand blocked while others run; those of today may stay.

    Of a worker's busy time the share cpu / (cpu + blocked) needs a core, so cores * (1 + blocked / cpu) of them keep the cores busy. A pod
    of one core with four workers, 85 % busy, was throttled in 64 % of all periods: p99 of 367 ms, against 257 ms with one worker.
    """
    demand, cores = c.problem.demand, c.problem.workload.cpu_limit_cores
    if c.there.workers <= c.problem.here.workers or cores is None or demand.cpu_s <= 0:
        return None
    most = max(math.ceil(cores), math.floor(cores * (1 + demand.blocked_s / demand.cpu_s)))
    if c.there.workers <= most:
        return None
    because = f"{c.there.workers} workers would share {cores:g} cores and throttle each other, {most} keep them busy"
    return Infeasible(cause=Cause.CPU, because=because)


def peak_fits_the_connection_budget(c: Candidate) -> Infeasible | None:
    """The one harm that spreads to other APIs: a database out of connections. Staying as we are, or with fewer pods, opens none."""
    limit, here, engines = c.problem.policy.connection_limit, c.problem.here, c.problem.policy.engines_per_worker
    if limit is None or (peak := c.problem.peak(c.there)) <= max(limit.connections, here.connections(engines)):
        return None
    because = f"{peak} connections at the peak of the rollout, {limit.connections} allowed ({limit.because})"
    return Infeasible(cause=Cause.CONNECTION_BUDGET, because=because)


def database_serves_the_connections(c: Candidate) -> Infeasible | None:
    """Past its knee a database completes less the more it is asked at once. An unknown knee forbids nothing: it is never extrapolated."""
    useful, connections = connections_useful(c.problem.demand), c.there.connections(c.problem.policy.engines_per_worker)
    if connections <= useful:
        return None
    because = f"{connections} connections, and the database makes use of {useful:.0f}: beyond its knee more at once complete less"
    return Infeasible(cause=Cause.DATABASE, because=because)


def database_keeps_up(c: Candidate) -> Infeasible | None:
    """No knob makes a database complete more than it can."""
    if math.isfinite(c.stations.elsewhere_s) or c.problem.demand.curve is None:
        return None
    asked, most = c.problem.demand.arrivals_rps * c.problem.demand.queries, c.problem.demand.curve.throughput_most_rps
    because = f"{asked:.0f} queries per second are asked for, the database completes {most:.0f} at most"
    return Infeasible(cause=Cause.DATABASE, because=because)


def cpu_has_headroom(c: Candidate) -> Infeasible | None:
    """CPU of all pods together."""
    busy = c.stations.cpu_utilization(c.there.replicas, c.there.workers)
    if busy <= _CPU_UTILIZATION_MOST:
        return None
    return Infeasible(cause=Cause.CPU, because=f"CPU {busy:.0%} busy, {_CPU_UTILIZATION_MOST:.0%} is the most")


def loops_have_headroom(c: Candidate) -> Infeasible | None:
    """One event loop serves one callback at a time, however many cores there are."""
    busy = c.stations.loop_utilization(c.there.replicas, c.there.workers)
    if busy <= _LOOP_UTILIZATION_MOST:
        return None
    return Infeasible(cause=Cause.LOOP, because=f"event loops {busy:.0%} busy, {_LOOP_UTILIZATION_MOST:.0%} is the most")


def pool_rarely_makes_wait(c: Candidate) -> Infeasible | None:
    """A pool is large enough when hardly anybody finds it empty."""
    waiting = c.stations.waiting_ratio(c.there.replicas, c.there.workers, c.there.pool_limit)
    if waiting <= _POOL_WAITING_MOST:
        return None
    return Infeasible(cause=Cause.POOL, because=f"{waiting:.0%} would wait for a connection, {_POOL_WAITING_MOST:.0%} is the most")


def objective_is_met(c: Candidate) -> Infeasible | None:
    """With headroom for the error of the model."""
    objective = c.problem.policy.objective
    latency_s, most_s = c.stations.latency_s(c.there.replicas, c.there.workers, c.there.pool_limit), (1 - _HEADROOM) * objective.latency_s
    if latency_s <= most_s:
        return None
    because = f"p{objective.percentile:g} of {latency_s * 1e3:.0f} ms, {most_s * 1e3:.0f} ms is the objective less headroom"
    return Infeasible(cause=Cause.OBJECTIVE, because=because)


OF_WORKERS: Sequence[Constraint] = (
    workers_fit_the_memory,  # an OOM kill takes down all workers of a pod
    workers_have_cores,  # throttled workers miss the objective at a load that fewer of them would serve
)
"""What the number of workers alone may break."""

OF_CONNECTIONS: Sequence[Constraint] = (
    peak_fits_the_connection_budget,  # a database out of connections takes down its other APIs
    database_serves_the_connections,  # and so does one beyond its knee
)
"""What the connections alone may break: so many per pod, in so many pods."""

LIMITS: Sequence[Constraint] = (*OF_WORKERS, *OF_CONNECTIONS)
"""What is forbidden, whatever it would do for this API."""

NEEDS: Sequence[Constraint] = (
    database_keeps_up,
    cpu_has_headroom,
    loops_have_headroom,
    pool_rarely_makes_wait,
    objective_is_met,
)
"""What this API needs, in the order in which a request meets it, after what no knob can give."""


def violations(candidate: Candidate, constraints: Sequence[Constraint]) -> Iterator[Infeasible]:
    """Yield what *candidate* breaks of *constraints*, in their order."""
    return (broken for constraint in constraints if (broken := constraint(candidate)))


def first_violation(candidate: Candidate, constraints: Sequence[Constraint]) -> Infeasible | None:
    """Return the first of *constraints* that *candidate* breaks, None where it keeps them all."""
    return next(violations(candidate, constraints), None)


def suffices(at: Stations, latency_s: float, replicas: int, workers: int, pool: int) -> bool:
    """Whether a configuration meets all of `NEEDS` of an objective of *latency_s*: without the sentences, as the solver asks it often."""
    return (
        at.cpu_utilization(replicas, workers) <= _CPU_UTILIZATION_MOST
        and at.loop_utilization(replicas, workers) <= _LOOP_UTILIZATION_MOST
        and at.waiting_ratio(replicas, workers, pool) <= _POOL_WAITING_MOST
        and at.latency_s(replicas, workers, pool) <= (1 - _HEADROOM) * latency_s
    )


def pods_least(at: Stations, workers: int) -> float:
    """Return a number of pods below which CPU or loops lack headroom, whatever the pool."""
    for_cpu = at.arrivals_rps * at.cpu_s / (_CPU_UTILIZATION_MOST * at.cores(workers))
    return max(for_cpu, at.arrivals_rps * (at.loop_s / at.cores(workers) + at.blocked_s / workers) / _LOOP_UTILIZATION_MOST)


def connections_most(problem: Problem) -> float:
    """Return a number of connections, all pods together, beyond which a limit is broken for certain; infinite where there is none."""
    limit, here = problem.policy.connection_limit, problem.here.connections(problem.policy.engines_per_worker)
    useful = connections_useful(problem.demand)
    return min(math.inf if limit is None else max(limit.connections, here), useful)
