"""What a configuration must satisfy before it may be chosen: named constraints in a fixed order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from apituner.core.configuration import Configuration
from apituner.core.demand import ServiceDemand
from apituner.core.forecast import Forecast
from apituner.core.policy import Policy
from apituner.core.workload import Workload

# Targets of the queueing model: beyond them a small error in demand or a burst costs much latency (D / (1 - U) has tripled at 0.67).
_CPU_UTILIZATION_MOST = 0.65
_LOOP_UTILIZATION_MOST = 0.70
# With one arrival in twenty waiting a pool has about a + 1.6 * sqrt(a) connections: room for bursts, and none lying idle for long.
_POOL_WAITING_MOST = 0.05
# Latency is forecast with an error of up to 15 %; the objective is to be met all the same.
_HEADROOM = 0.15
# Of the memory limit: the rest is for the page cache, threads and the moment of a copy.
_MEMORY_MOST = 0.90


class Cause(StrEnum):
    """The constraint that a configuration breaks."""

    MEMORY = "Memory"
    CONNECTION_BUDGET = "ConnectionBudget"
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
    """A configuration under test: where we stand, where it leads, what the model says of it."""

    here: Configuration
    there: Configuration
    demand: ServiceDemand
    forecast: Forecast
    policy: Policy
    workload: Workload


Constraint = Callable[[Candidate], Infeasible | None]


def workers_fit_the_memory(c: Candidate) -> Infeasible | None:
    """More workers need memory that is known to be there: the largest worker today prices each of them."""
    if c.there.workers <= c.here.workers:
        return None
    if c.workload.memory_limit_bytes is None:
        return None
    if c.demand.worker_bytes is None:
        return Infeasible(cause=Cause.MEMORY, because="memory of a worker is not reported, so none can be added below a memory limit")
    needed = c.there.workers * c.demand.worker_bytes
    if needed <= _MEMORY_MOST * c.workload.memory_limit_bytes:
        return None
    mib = 2**20
    limit = c.workload.memory_limit_bytes / mib
    because = f"{c.there.workers} workers need {needed / mib:.0f} MiB, more than {_MEMORY_MOST:.0%} of the limit of {limit:.0f} MiB"
    return Infeasible(cause=Cause.MEMORY, because=because)


def peak_fits_the_connection_budget(c: Candidate) -> Infeasible | None:
    """The one harm that spreads to other APIs: a database out of connections. Staying as we are, or with fewer pods, opens none."""
    limit, peak = c.policy.connection_limit, c.forecast.connections_at_peak
    if limit is None or peak <= max(limit.connections, c.here.connections(c.policy.engines_per_worker)):
        return None
    because = f"{peak} connections at the peak of the rollout, {limit.connections} allowed ({limit.because})"
    return Infeasible(cause=Cause.CONNECTION_BUDGET, because=because)


def cpu_has_headroom(c: Candidate) -> Infeasible | None:
    """CPU of all pods together."""
    if c.forecast.cpu_utilization <= _CPU_UTILIZATION_MOST:
        return None
    because = f"CPU {c.forecast.cpu_utilization:.0%} busy, {_CPU_UTILIZATION_MOST:.0%} is the most"
    return Infeasible(cause=Cause.CPU, because=because)


def loops_have_headroom(c: Candidate) -> Infeasible | None:
    """One event loop serves one callback at a time, however many cores there are."""
    if c.forecast.loop_utilization <= _LOOP_UTILIZATION_MOST:
        return None
    because = f"event loops {c.forecast.loop_utilization:.0%} busy, {_LOOP_UTILIZATION_MOST:.0%} is the most"
    return Infeasible(cause=Cause.LOOP, because=because)


def pool_rarely_makes_wait(c: Candidate) -> Infeasible | None:
    """A pool is large enough when hardly anybody finds it empty."""
    if c.forecast.pool_waiting_ratio <= _POOL_WAITING_MOST:
        return None
    because = f"{c.forecast.pool_waiting_ratio:.0%} would wait for a connection, {_POOL_WAITING_MOST:.0%} is the most"
    return Infeasible(cause=Cause.POOL, because=because)


def objective_is_met(c: Candidate) -> Infeasible | None:
    """With headroom for the error of the model."""
    objective = c.policy.objective
    most_s = (1 - _HEADROOM) * objective.latency_s
    if c.forecast.latency_s <= most_s:
        return None
    because = f"p{objective.percentile:g} of {c.forecast.latency_s * 1e3:.0f} ms, {most_s * 1e3:.0f} ms is the objective less headroom"
    return Infeasible(cause=Cause.OBJECTIVE, because=because)


LIMITS: Sequence[Constraint] = (
    workers_fit_the_memory,  # an OOM kill takes down all workers of a pod
    peak_fits_the_connection_budget,  # a database out of connections takes down its other APIs
)
"""What is forbidden, whatever it would do for this API."""

NEEDS: Sequence[Constraint] = (
    cpu_has_headroom,
    loops_have_headroom,
    pool_rarely_makes_wait,
    objective_is_met,
)
"""What this API needs, in the order in which a request meets it."""


def first_violation(candidate: Candidate, constraints: Sequence[Constraint]) -> Infeasible | None:
    """Return the first of *constraints* that *candidate* breaks, None where it keeps them all."""
    return next((broken for constraint in constraints if (broken := constraint(candidate))), None)
