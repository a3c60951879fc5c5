"""What one sweep found out about one object, in the words of its status: rounded and bounded."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apituner.api.changes import REJECTED_MOST
from apituner.api.words import SENTENCE_MOST, timestamp
from apituner.core.configuration import Configuration
from apituner.core.decision import Decision, Recommendation
from apituner.core.diagnosis import Bottleneck, caller_latency_s
from apituner.core.policy import Policy
from apituner.core.snapshot import Absence, Signal, Snapshot, Unobserved
from apituner.core.workload import TargetFault, Workload
from apituner.engine.conditions import Conclusion, Condition, conditions
from apituner.engine.recall import Json, configuration_fields, memory_fields, memory_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One object at one sweep: all that its status tells."""

    generation: int
    policy: Policy
    seen: Snapshot | Unobserved
    conclusion: Conclusion
    now: datetime


def status_of(sighting: Sighting, last: Mapping[str, Any]) -> Json:
    """Return the whole status, but for the times of conditions. *last* gives the memory where nothing was decided."""
    found, decision = sighting.conclusion, sighting.conclusion.decision
    effective = decision.effective if decision is not None else None
    recommendation = decision.recommendation if decision is not None else None
    status: Json = {
        "observedGeneration": sighting.generation,
        "conditions": [_condition(one, sighting.generation) for one in conditions(found)],
        "summary": _summary(sighting, effective, recommendation),
        "current": _current(found.workload, effective),
        "observed": _observed(sighting.seen, sighting.policy),
        "diagnosis": _diagnosis(decision, sighting.now),
        "decision": _decision(found),
        "recommendation": _recommendation(recommendation) if recommendation is not None else None,
    }
    return status | memory_fields(decision.memory if decision is not None else memory_of(last).unseeing(sighting.now))


def _condition(one: Condition, generation: int) -> Json:
    return {
        "type": str(one.type),
        "status": str(one.status),
        "reason": one.reason,
        "message": one.message[:SENTENCE_MOST],
        "observedGeneration": generation,
    }


def _summary(sighting: Sighting, effective: Configuration | None, recommendation: Recommendation | None) -> Json:
    target = recommendation.plan.target if recommendation is not None else None
    workload = sighting.conclusion.workload
    replicas = None if isinstance(workload, TargetFault) else workload.replicas
    latency = None
    if isinstance(sighting.seen, Snapshot) and sighting.conclusion.decision and sighting.conclusion.decision.diagnosis:
        latency = f"{caller_latency_s(sighting.seen, sighting.policy) * 1e3:.0f}ms"
    return {
        "replicas": _arrow(replicas, target.replicas if target else None),
        "workers": _arrow(effective.workers if effective else None, target.workers if target else None),
        "pool": _arrow(effective.pool_limit if effective else None, target.pool_limit if target else None),
        "latency": latency,
        "objective": f"{sighting.policy.objective.latency_s * 1e3:.0f}ms",
    }


def _arrow(here: int | None, there: int | None) -> str | None:
    if here is None:
        return None
    return str(here) if there is None or there == here else f"{here}→{there}"


def _current(workload: Workload | TargetFault, effective: Configuration | None) -> Json | None:
    if isinstance(workload, TargetFault):
        return None
    return {
        "replicas": workload.replicas,
        "readyReplicas": workload.ready_replicas,
        "workers": effective.workers if effective else None,
        "poolSize": effective.pool_size if effective else None,
        "maxOverflow": effective.max_overflow if effective else None,
    }


def _observed(seen: Snapshot | Unobserved, policy: Policy) -> Json | None:
    if isinstance(seen, Unobserved):
        return None

    def rounded(signal: Signal, factor: float = 1) -> int | None:
        value = seen.get(signal)
        return None if value is None else round(value * factor)

    latency_s = _latency_s(seen, policy)
    return {
        "requestsPerSecond": rounded(Signal.REQUESTS_RPS),
        "latencyMilliseconds": None if latency_s is None else round(latency_s * 1e3),
        "overObjectivePercent": rounded(Signal.OVER_OBJECTIVE_RATIO, 100),
        "errorPercent": rounded(Signal.ERRORS_RATIO, 100),
        "poolWaitMilliseconds": rounded(Signal.POOL_WAIT_MEAN_S, 1e3),
        "poolHoldMilliseconds": rounded(Signal.POOL_HOLD_MEAN_S, 1e3),
        "poolInUse": rounded(Signal.POOL_IN_USE),
        "poolLimit": rounded(Signal.POOL_LIMIT),
        "loopLagMilliseconds": rounded(Signal.LOOP_LAG_MEAN_S, 1e3),
        "loopBlockedPercent": rounded(Signal.LOOP_BLOCKED_RATIO, 100),
        "cpuMillicores": rounded(Signal.CPU_CORES, 1e3),
        "queryMilliseconds": rounded(Signal.QUERY_MEAN_S, 1e3),
        "podsReporting": seen.pods_reporting,
        "windowSeconds": round(seen.window_s),
    }


def _latency_s(seen: Snapshot, policy: Policy) -> float | None:
    """Return what a caller feels; where the exporter does not tell of event loops, what the API itself measures."""
    if seen.absent.get(Signal.LOOP_LAG_MEAN_S) is Absence.NOT_EXPORTED:
        return seen.get(Signal.LATENCY_OBJECTIVE_S)
    felt = (Signal.LATENCY_OBJECTIVE_S, Signal.LOOP_LAG_MEAN_S, Signal.LOOP_LAG_P99_S, Signal.LOOP_BLOCKED_RATIO)
    return None if seen.missing(*felt) else caller_latency_s(seen, policy)


def _diagnosis(decision: Decision | None, now: datetime) -> Json:
    """Return the diagnosis; the memory's bottleneck and its time stand here, so that they outlive a restart."""
    if decision is None or decision.diagnosis is None:
        because = decision.because if decision is not None else "the target cannot be read"
        return {
            "bottleneck": str(Bottleneck.UNKNOWN),
            "since": timestamp(now),
            "because": because[:SENTENCE_MOST],
            "findings": [],
        }
    return {
        "bottleneck": str(decision.diagnosis.bottleneck),
        "since": timestamp(decision.memory.since or now),
        "because": decision.diagnosis.because[:SENTENCE_MOST],
        "findings": [
            {
                "check": str(one.check),
                "verdict": str(one.verdict),
                "reason": str(one.reason),
                "because": one.because[:SENTENCE_MOST],
                "advice": one.advice[:SENTENCE_MOST],
                "explainsPercent": None if one.explains_ratio is None else round(one.explains_ratio * 100),
            }
            for one in decision.diagnosis.findings
        ],
    }


def _decision(found: Conclusion) -> Json:
    if found.decision is None:
        fault = found.workload
        reason, because = (fault.reason, fault.because) if isinstance(fault, TargetFault) else ("Unknown", "not decided")
        return {"kind": "Hold", "reason": reason, "because": because[:SENTENCE_MOST]}
    decision = found.decision
    if found.not_written is not None:
        return {"kind": "Hold", "reason": found.not_written.reason, "because": found.not_written.because[:SENTENCE_MOST]}
    retry_s = None if decision.retry_after_s is None else math.ceil(decision.retry_after_s)
    said = {"kind": str(decision.kind), "reason": decision.reason, "because": decision.because[:SENTENCE_MOST]}
    return {**said, "retryAfterSeconds": retry_s}


def _finite_millis(seconds: float) -> int | None:
    """Return whole milliseconds; None for what has no end: a first step towards enough pods may leave a station saturated."""
    return round(seconds * 1e3) if math.isfinite(seconds) else None


def _recommendation(one: Recommendation) -> Json:
    target, forecast = one.plan.target, one.forecast
    return {
        **configuration_fields(target),
        "because": one.plan.because[:SENTENCE_MOST],
        "plan": one.plan.identity,
        "steps": [str(step) for step in one.plan.steps],
        "forecast": {
            "latencyMilliseconds": _finite_millis(forecast.latency_s),
            "poolWaitMilliseconds": _finite_millis(forecast.pool_wait_s),
            "loopUtilizationPercent": round(forecast.loop_utilization * 100),
            "connections": forecast.connections,
            "connectionsAtPeak": one.plan.connections_at_peak,
        },
        "rejected": [
            {**configuration_fields(other.configuration), "because": other.because[:SENTENCE_MOST]}
            for other in one.rejected[:REJECTED_MOST]
        ],
    }
