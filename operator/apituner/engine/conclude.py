"""From a situation and the ledger to what a sweep concludes about one object: pure, and shared by all who decide."""

from dataclasses import dataclass, replace

from apituner.core.decide import decide
from apituner.core.decision import Decision, DecisionKind, held
from apituner.core.ownership import Hold
from apituner.core.policy import ConnectionLimit
from apituner.core.situation import Situation
from apituner.core.snapshot import Snapshot, Unobserved
from apituner.core.workload import TargetFault
from apituner.engine.conditions import BudgetFault, Conclusion


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What the ledger says of one API."""

    limit: ConnectionLimit | BudgetFault | None
    """The most that it may hold now; None where its spec names no budget."""
    overdrawn: BudgetFault | None
    """A fault to report, while shrinking goes on."""
    named: bool
    """Whether the spec names a budget."""


def concluded(at: Situation, drawn: Drawn) -> tuple[Conclusion, Decision]:
    """Decide about *at* under what the ledger allows; the decision stands in the conclusion too."""
    fault = drawn.limit if isinstance(drawn.limit, BudgetFault) else None
    limit = None if isinstance(drawn.limit, BudgetFault) else drawn.limit
    at = replace(at, policy=replace(at.policy, connection_limit=limit))
    decision = decide(at)
    if fault is not None:
        decision = _without_budget(decision, at, fault)
    conclusion = Conclusion(
        workload=at.workload,
        decision=decision,
        budget_fault=fault or drawn.overdrawn,
        names_budget=drawn.named,
        exporter=at.seen.exporter if isinstance(at.seen, Snapshot) else None,
    )
    return conclusion, decision


def unread(fault: TargetFault, seen: Snapshot | Unobserved, drawn: Drawn) -> Conclusion:
    """Conclude about an object whose target cannot be read: nothing is decided."""
    return Conclusion(
        workload=fault,
        decision=None,
        budget_fault=drawn.limit if isinstance(drawn.limit, BudgetFault) else drawn.overdrawn,
        names_budget=drawn.named,
        exporter=seen.exporter if isinstance(seen, Snapshot) else None,
    )


def _without_budget(decision: Decision, at: Situation, fault: BudgetFault) -> Decision:
    """Hold every change while the budget that the spec names cannot be kept; a change on its way waits as it is."""
    if decision.kind is DecisionKind.KEEP:
        return decision
    held_back = held(decision, Hold(reason=fault.reason, because=fault.because))
    return replace(held_back, step=None, memory=decision.memory.undecided(at.memory))
