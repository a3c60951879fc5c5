"""What must outlive a restart: kept in the object's status, bounded, and handed back at the next sweep."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from apituner.core.configuration import Configuration
from apituner.core.diagnosis import Bottleneck

HISTORY_MOST = 10
"""Changes that are remembered; so no more of them can be counted in a day."""
# The floor moves only when it is undercut by more than noise, so that the status is not written for nothing.
_FLOOR_NOISE = 0.05
_USUAL_AFTER = timedelta(days=1)


class Outcome(StrEnum):
    """How far a change has come."""

    APPLYING = "Applying"
    """Decided and written down before the first write; finished after a restart too."""
    APPLIED = "Applied"
    ABANDONED = "Abandoned"
    """Somebody else changed the settings, or the spec no longer allows it."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What earlier sweeps leave to later ones."""

    bottleneck: Bottleneck | None = None
    since: datetime | None = None
    """Since when the bottleneck has been the same without a break."""
    recommended: Configuration | None = None
    change: Change | None = None
    history: tuple[Change, ...] = ()
    """Changes that ended, the newest first; at most ten."""
    query_floor_s: float | None = None

    def seeing(self, bottleneck: Bottleneck, now: datetime) -> "Memory":
        """Return the memory after *bottleneck* was seen at *now*."""
        if bottleneck is self.bottleneck:
            return self
        return replace(self, bottleneck=bottleneck, since=now)

    def unseeing(self, now: datetime) -> "Memory":
        """Return the memory after nothing could be seen at *now*: a bottleneck must prove itself anew after a break."""
        return replace(self.seeing(Bottleneck.UNKNOWN, now), recommended=None)

    def querying(self, query_s: float | None, now: datetime) -> "Memory":
        """Return the memory after a window whose queries took *query_s* on average; what has been slow for a day is the usual pace."""
        if not query_s:
            return self
        known = self.query_floor_s
        slow_for_a_day = self.bottleneck is Bottleneck.DATABASE_SATURATED and self.since is not None and self.since < now - _USUAL_AFTER
        if known is None or slow_for_a_day or query_s <= (1 - _FLOOR_NOISE) * known:
            return replace(self, query_floor_s=query_s)
        return self

    def ended(self, outcome: Outcome) -> "Memory":
        """Return the memory after the change in progress came to *outcome*."""
        if self.change is None:
            return self
        done = replace(self.change, outcome=outcome)
        return replace(self, change=done, history=(done, *self.history)[:HISTORY_MOST], recommended=None)

    def changes_since(self, now: datetime, window: timedelta) -> int:
        """Count the changes of the last *window*; the abandoned too, which most often had begun to reach the cluster."""
        return sum(change.at > now - window for change in self.history)
