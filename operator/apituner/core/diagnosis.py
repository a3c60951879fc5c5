"""What limits the API: findings in the order in which an experienced engineer looks, the first that explains the latency first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from apituner.core.configuration import Configuration, Knob
from apituner.core.policy import Policy
from apituner.core.snapshot import Signal, Snapshot
from apituner.core.workload import Workload

# A query that takes twice its usual time while several run at once waits inside the database.
_QUERY_SLOWDOWN = 2.0
_QUERIES_AT_ONCE = 2.0
# A loop that stands still for one part in twenty delays more than the 5 % of requests that a p95 objective forgives.
_BLOCKED_RATIO = 0.05
_BLOCKED_LAG_S = 0.05
# A worker is one loop on one core; beyond this the queue in front of it doubles and more (D / (1 - U)).
_CPU_UTILIZATION = 0.65
# A wait that eats a tenth of the objective, at a pool most of which is out.
_WAIT_SHARE = 0.1
_POOL_UTILIZATION = 0.6


class Bottleneck(StrEnum):
    """What bounds the latency; the reason in the status."""

    NOTHING_WRONG = "NothingWrong"
    UNKNOWN = "Unknown"
    DATABASE_SATURATED = "DatabaseSaturated"
    LOOP_BLOCKED = "LoopBlocked"
    WORKER_CPU = "WorkerCpu"
    POOL_STARVED = "PoolStarved"


TUNABLE = frozenset({Bottleneck.WORKER_CPU, Bottleneck.POOL_STARVED})
"""Bottlenecks that replicas, workers and pool can cure."""


class Check(StrEnum):
    """The steps of looking, in their order."""

    DATABASE_ACCESS = "DatabaseAccess"
    EXTERNAL_CALLS = "ExternalCalls"
    PAYLOAD_AND_SERIALIZATION = "PayloadAndSerialization"
    POOLS_AND_WORKERS = "PoolsAndWorkers"
    FRAMEWORK = "Framework"


class Verdict(StrEnum):
    """What a check found."""

    PASS = "Pass"  # noqa: S105 - a verdict, not a password
    WARN = "Warn"
    FAIL = "Fail"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check saw, and what a developer can do about it."""

    check: Check
    reason: Bottleneck
    verdict: Verdict
    because: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The bottleneck, why, and everything that was looked at."""

    bottleneck: Bottleneck
    because: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that a check may look at."""

    seen: Snapshot
    here: Configuration
    workload: Workload
    policy: Policy
    query_floor_s: float | None
    """The least mean query time ever seen of this API; None before the first."""


def database_is_not_saturated(e: Evidence) -> Finding:
    """A saturated database makes pools wait and queries slow; more connections make it worse."""
    check, reason = Check.DATABASE_ACCESS, Bottleneck.DATABASE_SATURATED
    query_s, queries_rps = e.seen.get(Signal.QUERY_MEAN_S), e.seen.get(Signal.QUERIES_RPS)
    if query_s is None or queries_rps is None or e.query_floor_s is None:
        because = "query times are not reported, or not known long enough to compare"
        return Finding(check=check, reason=reason, verdict=Verdict.UNKNOWN, because=because)
    at_once = queries_rps * query_s
    because = f"a query takes {_ms(query_s)} against {_ms(e.query_floor_s)} at best, {at_once:.1f} run at once"
    if query_s < _QUERY_SLOWDOWN * e.query_floor_s or at_once < _QUERIES_AT_ONCE:
        return Finding(check=check, reason=reason, verdict=Verdict.PASS, because=because)
    advice = "look at the slowest statements (pg_stat_statements), locks and the database's CPU; more connections would slow it further"
    return Finding(check=check, reason=reason, verdict=Verdict.FAIL, because=because, advice=advice)


def loop_is_not_blocked(e: Evidence) -> Finding:
    """A blocked loop delays everything on its worker, also the return of connections: look here before blaming the pool."""
    check, reason = Check.POOLS_AND_WORKERS, Bottleneck.LOOP_BLOCKED
    blocked, lag_s = e.seen[Signal.LOOP_BLOCKED_RATIO], e.seen[Signal.LOOP_LAG_P99_S]
    because = f"event loops stand blocked {blocked:.0%} of the time without using CPU, p99 of their lag is {_ms(lag_s)}"
    if blocked < _BLOCKED_RATIO or lag_s < _BLOCKED_LAG_S:
        return Finding(check=check, reason=reason, verdict=Verdict.PASS, because=because)
    advice = "a synchronous call runs inside an async def route: move it to asyncio.to_thread, a def route, or another process"
    return Finding(check=check, reason=reason, verdict=Verdict.FAIL, because=because, advice=advice)


def workers_have_cpu(e: Evidence) -> Finding:
    """A worker out of CPU holds its connections longer, so the pool waits too: look here before blaming the pool."""
    check, reason = Check.POOLS_AND_WORKERS, Bottleneck.WORKER_CPU
    cores_per_worker = 1.0
    if e.workload.cpu_limit_cores is not None:
        cores_per_worker = min(1.0, e.workload.cpu_limit_cores / e.here.workers)
    utilization = e.seen[Signal.CPU_CORES] / (e.seen[Signal.WORKERS_ALIVE] * cores_per_worker)
    because = f"workers use {utilization:.0%} of the CPU that they may use ({cores_per_worker:.2f} cores each)"
    if utilization < _CPU_UTILIZATION:
        return Finding(check=check, reason=reason, verdict=Verdict.PASS, because=because)
    advice = "more workers where the pod's CPU limit leaves room, else more replicas"
    return Finding(check=check, reason=reason, verdict=Verdict.FAIL, because=because, advice=advice)


def pool_is_not_starved(e: Evidence) -> Finding:
    """Callers queue for a connection while the loop and the database have time."""
    check, reason = Check.POOLS_AND_WORKERS, Bottleneck.POOL_STARVED
    if Knob.POOL not in e.policy.knobs:
        return Finding(check=check, reason=reason, verdict=Verdict.UNKNOWN, because="the spec names no pool")
    wait_s, acquired_rps = e.seen[Signal.POOL_WAIT_MEAN_S], e.seen[Signal.POOL_ACQUISITIONS_RPS]
    out = acquired_rps * e.seen[Signal.POOL_HOLD_MEAN_S]
    utilization = out / e.seen[Signal.POOL_LIMIT]
    per_request_s = wait_s * (acquired_rps + e.seen[Signal.POOL_TIMEOUTS_RPS]) / e.seen[Signal.REQUESTS_RPS]
    because = f"a request waits {_ms(per_request_s)} for a connection, {out:.1f} of {e.seen[Signal.POOL_LIMIT]:.0f} are out on average"
    if per_request_s < _WAIT_SHARE * e.policy.objective.latency_s or utilization < _POOL_UTILIZATION:
        return Finding(check=check, reason=reason, verdict=Verdict.PASS, because=because)
    advice = "a larger pool within the connection budget, or connections held for a shorter time"
    return Finding(check=check, reason=reason, verdict=Verdict.FAIL, because=because, advice=advice)


CHECKS: Sequence[Callable[[Evidence], Finding]] = (
    database_is_not_saturated,  # makes holds longer, so everything after it looks ill too
    loop_is_not_blocked,  # makes CPU look idle and the pool look small
    workers_have_cpu,  # makes the pool look small
    pool_is_not_starved,
)


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
        return f"p{objective.percentile:g} is {_ms(latency_s)}, {_ms(objective.latency_s)} is the objective"
    if errors > objective.error_ratio:
        return f"{errors:.1%} of requests fail, {objective.error_ratio:.1%} may"
    return None


def diagnose(evidence: Evidence) -> Diagnosis:
    """Name the first failing check in the fixed order; an objective that is met has no bottleneck, whatever the checks say."""
    findings = tuple(check(evidence) for check in CHECKS)
    missed = missed_because(evidence.seen, evidence.policy)
    if missed is None:
        latency_s, objective = caller_latency_s(evidence.seen, evidence.policy), evidence.policy.objective
        because = f"p{objective.percentile:g} is {_ms(latency_s)}, within {_ms(objective.latency_s)}"
        return Diagnosis(bottleneck=Bottleneck.NOTHING_WRONG, because=because, findings=findings)
    failing = next((finding for finding in findings if finding.verdict is Verdict.FAIL), None)
    if failing is None:
        because = f"{missed}; none of the checks explains it"
        return Diagnosis(bottleneck=Bottleneck.UNKNOWN, because=because, findings=findings)
    return Diagnosis(bottleneck=failing.reason, because=f"{missed}: {failing.because}", findings=findings)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"
