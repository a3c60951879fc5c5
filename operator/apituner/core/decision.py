"""What one sweep concludes about one API."""

from dataclasses import dataclass, replace
from enum import StrEnum

from apituner.core.configuration import Configuration
from apituner.core.diagnosis import Diagnosis
from apituner.core.forecast import Forecast
from apituner.core.memory import Memory
from apituner.core.ownership import Hold
from apituner.core.plan import Plan, Step
from apituner.core.solver import Alternative
from apituner.core.trust import Gap


class DecisionKind(StrEnum):
    """What is to be done."""

    KEEP = "Keep"
    """Nothing better is known."""
    HOLD = "Hold"
    """Something objects."""
    RECOMMEND = "Recommend"
    """A change that the mode does not let us make."""
    APPLY = "Apply"
    """Carry out the step now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A better configuration, the way to it, what it would give, and what else was looked at."""

    plan: Plan
    forecast: Forecast
    rejected: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done about one API and why; what was seen and concluded on the way; what to remember."""

    kind: DecisionKind
    reason: str
    because: str
    memory: Memory
    retry_after_s: float | None = None
    step: Step | None = None
    """Set for Apply only: the one write that is due."""
    standing: Hold | None = None
    """What a person must mend before anything can be changed."""
    gap: Gap | None = None
    """Why too little was seen; None where enough was."""
    diagnosis: Diagnosis | None = None
    """None where too little was seen."""
    effective: Configuration | None = None
    """What the processes report; None where too little was seen."""
    objective_missed: str | None = None
    tuning_helps: bool | None = None
    """False: no setting within the bounds can meet the objective. None: not known."""
    recommendation: Recommendation | None = None


def held(draft: Decision, hold: Hold) -> Decision:
    """Return *draft* with an objection to it."""
    return replace(draft, kind=DecisionKind.HOLD, reason=hold.reason, because=hold.because, retry_after_s=hold.retry_after_s)
