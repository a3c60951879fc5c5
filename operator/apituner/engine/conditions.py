"""The conditions of an ApiTuning: what `kubectl wait` and dashboards read."""

from dataclasses import dataclass

from apituner.api.conditions import ConditionStatus, ConditionType
from apituner.core.decision import Decision, DecisionKind
from apituner.core.snapshot import Exporter
from apituner.core.workload import TargetFault, Workload
from apituner.ports import NotWritten


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition without its times, which only the last status knows."""

    type: ConditionType
    status: ConditionStatus
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFault:
    """The budget that the spec names cannot be kept: a reason and a sentence with the way out."""

    reason: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """All that one sweep found out about one object."""

    workload: Workload | TargetFault
    decision: Decision | None
    budget_fault: BudgetFault | None = None
    names_budget: bool = False
    not_written: NotWritten | None = None
    exporter: Exporter | None = None
    """What the API is observed by; None where nothing was seen."""


_OWNERSHIP = frozenset({"FieldOwnedByOther", "AutoscalerOwnsReplicas", "SettingNotEffective"})
_REFUSALS = frozenset({"FieldOwnedByOther", "Forbidden", "Refused"})
_SETTLING = frozenset({"RolloutInProgress", "WindowTooYoung", "DeploymentPaused", "RolloutStuck"})


def conditions(found: Conclusion) -> tuple[Condition, ...]:
    """Return all conditions, the summary first; Unknown where the sweep did not get so far."""
    parts = (
        _target(found),
        _metrics(found),
        _settled(found),
        _owns(found),
        _budget(found),
        _objective(found),
        _helps(found),
    )
    return (_ready(parts), *parts)


def _ready(parts: tuple[Condition, ...]) -> Condition:
    """Return True when the operator can do its work; a missed objective or a rollout is work, not a fault."""
    needed = (
        ConditionType.TARGET_AVAILABLE,
        ConditionType.OWNS_FIELDS,
        ConditionType.METRICS_AVAILABLE,
        ConditionType.WITHIN_BUDGET,
    )
    by_type = {part.type: part for part in parts}
    failing = next((by_type[one] for one in needed if by_type[one].status is ConditionStatus.FALSE), None)
    if failing is not None:
        return Condition(type=ConditionType.READY, status=ConditionStatus.FALSE, reason=failing.reason, message=failing.message)
    return _true(ConditionType.READY, "Observing", "the target is observed and may be tuned")


def _true(kind: ConditionType, reason: str, message: str) -> Condition:
    return Condition(type=kind, status=ConditionStatus.TRUE, reason=reason, message=message)


def _false(kind: ConditionType, reason: str, message: str) -> Condition:
    return Condition(type=kind, status=ConditionStatus.FALSE, reason=reason, message=message)


def _unknown(kind: ConditionType, message: str) -> Condition:
    return Condition(type=kind, status=ConditionStatus.UNKNOWN, reason="NotEvaluated", message=message)


def _target(found: Conclusion) -> Condition:
    kind = ConditionType.TARGET_AVAILABLE
    if isinstance(found.workload, TargetFault):
        return _false(kind, found.workload.reason, found.workload.because)
    return _true(kind, "Found", "the Deployment and its container are there")


def _metrics(found: Conclusion) -> Condition:
    kind = ConditionType.METRICS_AVAILABLE
    if found.decision is None:
        return _unknown(kind, "the target cannot be read")
    read = f" (metrics of {found.exporter.name}: {found.exporter.note})" if found.exporter is not None else ""
    if found.decision.gap is not None:
        return _false(kind, found.decision.gap.reason, found.decision.gap.because + read)
    return _true(kind, "Trusted", f"every ready pod reports, and every signal that is needed is there{read}")


def _settled(found: Conclusion) -> Condition:
    kind = ConditionType.SETTLED
    if isinstance(found.workload, TargetFault):
        return _unknown(kind, "the target cannot be read")
    decision = found.decision
    if decision is not None and decision.kind is DecisionKind.HOLD and decision.reason in _SETTLING:
        return _false(kind, decision.reason, decision.because)
    unsettled = found.workload.unsettled_because
    if unsettled is not None:
        return _false(kind, "RolloutInProgress", unsettled)
    return _true(kind, "AtRest", "every pod runs the newest template and is ready")


def _owns(found: Conclusion) -> Condition:
    kind = ConditionType.OWNS_FIELDS
    if found.not_written is not None and found.not_written.reason in _REFUSALS:
        return _false(kind, found.not_written.reason, found.not_written.because)
    decision = found.decision
    if decision is None:
        return _unknown(kind, "the target cannot be read")
    standing = decision.standing
    if standing is not None and (standing.reason in _OWNERSHIP or standing.reason.startswith("SettingFrom")):
        return _false(kind, standing.reason, standing.because)
    if decision.reason in _OWNERSHIP:
        return _false(kind, decision.reason, decision.because)
    return _true(kind, "NoConflict", "the settings that the spec names can be set by this operator")


def _budget(found: Conclusion) -> Condition:
    kind = ConditionType.WITHIN_BUDGET
    if found.budget_fault is not None:
        return _false(kind, found.budget_fault.reason, found.budget_fault.because)
    if not found.names_budget:
        return _true(kind, "NoBudget", "the spec names no connection budget")
    return _true(kind, "Fits", "all APIs of the budget together stay within it, rollouts included")


def _objective(found: Conclusion) -> Condition:
    kind = ConditionType.OBJECTIVE_MET
    decision = found.decision
    if decision is None or decision.diagnosis is None:
        return _unknown(kind, "too little was seen to say")
    if decision.objective_missed is not None:
        return _false(kind, str(decision.diagnosis.bottleneck), decision.diagnosis.because)
    return _true(kind, "Met", decision.diagnosis.because)


def _helps(found: Conclusion) -> Condition:
    kind = ConditionType.TUNING_HELPS
    decision = found.decision
    if decision is None or decision.tuning_helps is None:
        return _unknown(kind, "no change is called for, or too little was seen to say")
    if decision.tuning_helps:
        return _true(kind, "BetterSettingKnown", decision.because)
    advice = decision.diagnosis.advice if decision.diagnosis else ""
    return _false(kind, decision.reason, f"{decision.because}; {advice}" if advice else decision.because)
