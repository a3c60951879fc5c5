"""All that a check may look at, and whether the objective is met."""

from dataclasses import dataclass
from datetime import datetime

from apituner.core.configuration import Configuration
from apituner.core.policy import Policy
from apituner.core.snapshot import Signal, Snapshot
from apituner.core.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The connections of one database, and how they are shared out."""

    limit: int
    """The most that may be granted."""
    granted: int
    """To this API."""
    free: int
    """Granted to nobody; below zero while more are held than may be granted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is seen of an API, and what is known of it from before; None where it is not known."""

    seen: Snapshot
    here: Configuration
    """In force."""
    workload: Workload
    policy: Policy
    query_floor_s: float | None = None
    """The least mean query time ever seen of this API."""
    knee: float | None = None
    """The number of queries at once beyond which the database does less."""
    usual_queries: float | None = None
    """Statements per request in windows before this one: their median."""
    budget: Budget | None = None
    met_since: datetime | None = None
    """Since when the objective has been met without a break."""
    restarts_per_hour: float | None = None
    """Restarts of the API's containers as the API server knows them; else Prometheus' figure counts."""

    @property
    def missed(self) -> bool:
        """Whether the objective is missed."""
        return missed_because(self.seen, self.policy) is not None


def caller_latency_s(seen: Snapshot, policy: Policy) -> float:
    """
    Return the objective's percentile of the latency that a caller feels.

    The API's own histogram starts when the loop gets to a request, so what a request waits for the loop is added: the mean lag, and its
    p99 when loops stand blocked for a larger share of time than the objective forgives of requests (arrivals see time averages).
    """
    blocked = seen[Signal.LOOP_BLOCKED_RATIO] > policy.objective.slow_ratio
    return seen[Signal.LATENCY_OBJECTIVE_S] + seen[Signal.LOOP_LAG_P99_S if blocked else Signal.LOOP_LAG_MEAN_S]


def missed_because(seen: Snapshot, policy: Policy) -> str | None:
    """Say how the objective is missed, None where it is met."""
    objective = policy.objective
    latency_s, errors = caller_latency_s(seen, policy), seen[Signal.ERRORS_RATIO]
    if latency_s > objective.latency_s:
        return f"p{objective.percentile:g} is {milliseconds(latency_s)}, {milliseconds(objective.latency_s)} is the objective"
    if errors > objective.error_ratio:
        return f"{errors:.1%} of requests fail, {objective.error_ratio:.1%} may"
    return None


def met_because(seen: Snapshot, policy: Policy) -> str:
    """Say how an objective that is not missed is met."""
    objective = policy.objective
    return f"p{objective.percentile:g} is {milliseconds(caller_latency_s(seen, policy))}, within {milliseconds(objective.latency_s)}"


def milliseconds(seconds: float) -> str:
    """Write a time for a sentence; with a decimal where it is short."""
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.01 or seconds == 0 else f"{seconds * 1e3:.1f} ms"  # noqa: PLR2004 - 10 ms and more
