"""One change of the configuration, from the decision to the judgement of what came of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from apituner.core.configuration import Configuration


class Outcome(StrEnum):
    """How far a change has come."""

    APPLYING = "Applying"
    """Decided and written down before the first write; finished after a restart too."""
    SETTLING = "Settling"
    """In force; to be judged once a window holds nothing but its pods."""
    IMPROVED = "Improved"
    NO_BETTER = "NoBetter"
    """Neither better nor worse than before: kept."""
    WORSE = "Worse"
    """Undone where it was a rollout or took pods away, and not tried again for a while."""
    REVERTED = "Reverted"
    """A change that undid a worse one, and is in force."""
    APPLIED = "Applied"
    """In force, and kept without a judgement: the load was never alike, or more pods were needed before there was one."""
    ABANDONED = "Abandoned"
    """Somebody else changed the settings, or the spec no longer allows it."""


_LATENCY_MOST_S = 3600.0

UNDER_WAY = frozenset({Outcome.APPLYING, Outcome.SETTLING})
"""Outcomes that are not the last word."""
MAY_BE_MIXED = frozenset({Outcome.APPLYING, Outcome.ABANDONED, Outcome.WORSE})
"""Outcomes of which pods from before may still be there: on its way, stopped on its way, or never wholly in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was seen of an API while a configuration was in force: enough to compare two of them. Rounded as the status is."""

    arrivals_rps: float
    latency_s: float
    """The objective's percentile, as a caller feels it."""
    errors_ratio: float

    @classmethod
    def rounded(cls, *, arrivals_rps: float, latency_s: float, errors_ratio: float) -> "Figures":
        """Return figures that a status keeps as they are: requests by the minute, milliseconds, and errors by the thousand."""
        return cls(arrivals_rps=round(arrivals_rps * 60) / 60, latency_s=to_millis(latency_s), errors_ratio=round(errors_ratio, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of the configuration, from the decision on."""

    plan: str
    at: datetime
    reason: str
    because: str
    outcome: Outcome
    before: Configuration
    target: Configuration
    through: int | None = None
    """The number of pods that its rollout goes through; None: the larger of the two."""
    peak: int | None = None
    """The connections that it was granted at its peak; None where none were asked for."""
    seen_before: Figures | None = None
    """What was seen when it was decided; None: it cannot be judged."""
    forecast_latency_s: float | None = None
    """The objective's percentile as the model forecast it, in whole milliseconds; None where it forecast none."""
    outcome_latency_s: float | None = None
    """What was seen when it was judged, likewise."""
    settled_at: datetime | None = None
    """When it was first seen to be in force, with no old pod left."""
    ending_since: datetime | None = None
    """When it last gave up pods in a cluster that does not tell when they are gone."""
    reverts: str | None = None
    """The plan of the worse change that this one undoes."""
    template_hash: str | None = None
    """Of the pod template without our settings, when it was decided: another one later is somebody else's release."""

    @property
    def rolls_out(self) -> bool:
        """Whether it needs a new pod template."""
        return not self.before.same_template(self.target)

    @property
    def only_grows(self) -> bool:
        """Whether it adds pods and does nothing else."""
        return not self.rolls_out and self.target.replicas > self.before.replicas

    @property
    def forecast_error(self) -> float | None:
        """How far the forecast was off, as a share of what came; None until both are known."""
        if self.forecast_latency_s is None or not self.outcome_latency_s:
            return None
        return abs(self.forecast_latency_s - self.outcome_latency_s) / self.outcome_latency_s

    @property
    def past(self) -> "Change":
        """The change as the history keeps it: what it was, what was forecast of it and what came of it."""
        return replace(self, because="", through=None, peak=None, seen_before=None, settled_at=None, ending_since=None, template_hash=None)

    def rounded(self) -> "Change":
        """Return the change with its forecast as a status keeps it; that of an overload, infinite or beyond any time-out, is none."""
        forecast_s = self.forecast_latency_s
        if forecast_s is None:
            return self
        return replace(self, forecast_latency_s=to_millis(forecast_s) if forecast_s <= _LATENCY_MOST_S else None)

    def grown_to(self, replicas: int) -> "Change":
        """Return a change that only adds pods after it was found to need *replicas*: more, or what it was."""
        if not self.only_grows or replicas <= self.target.replicas:
            return self
        return replace(self, target=replace(self.target, replicas=replicas))


def to_millis(seconds: float) -> float:
    """Return *seconds* as a status in whole milliseconds keeps them."""
    return round(seconds, 3)
