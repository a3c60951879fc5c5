"""What must outlive a restart: kept in the object's status, bounded, and handed back at the next sweep."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apituner.core.agreement import Agreement
from apituner.core.blocks import Block, blocking, with_block
from apituner.core.change import UNDER_WAY, Change, Outcome
from apituner.core.configuration import Configuration
from apituner.core.diagnosis import Bottleneck
from apituner.core.stabilization import Enough, enough, recommended

__all__ = ["HISTORY_MOST", "Change", "Memory", "Outcome"]

HISTORY_MOST = 10
"""Changes that are remembered, and rollouts; so no more of them can be counted in a day."""
# The floor moves only when it is undercut by more than noise, so that the status is not written for nothing.
_FLOOR_NOISE = 0.05
# The status keeps whole microseconds, so a restart must find no other number.
_MICROSECOND = 1e-6
_USUAL_AFTER = timedelta(days=1)


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
    rollouts: tuple[datetime, ...] = ()
    """When the last rollouts were decided, the newest first; at most ten. Pods come and go more often, and would crowd them out."""
    blocks: tuple[Block, ...] = ()
    """Points that made things worse, the newest first; at most ten."""
    last_known_good: Configuration | None = None
    """The last configuration that was judged better, or that met the objective for a whole window."""
    stair: tuple[Enough, ...] = ()
    """Fewer pods that would have been enough, and since when."""
    agreement: Agreement | None = None
    """The template that the last windows agreed on."""

    @property
    def under_way(self) -> Change | None:
        """The change that has not come to its end: on its way, or in force and not yet judged."""
        return self.change if self.change is not None and self.change.outcome in UNDER_WAY else None

    def seeing(self, bottleneck: Bottleneck, now: datetime) -> "Memory":
        """Return the memory after *bottleneck* was seen at *now*."""
        if bottleneck is self.bottleneck:
            return self
        return replace(self, bottleneck=bottleneck, since=now.replace(microsecond=0))

    def unseeing(self, now: datetime) -> "Memory":
        """Return the memory after nothing could be seen at *now*: whatever must last has to prove itself anew after a break."""
        return replace(self.seeing(Bottleneck.UNKNOWN, now), recommended=None, stair=(), agreement=None)

    def querying(self, query_s: float | None, now: datetime) -> "Memory":
        """Return the memory after a window whose queries took *query_s* on average; what has been slow for a day is the usual pace."""
        if not query_s:
            return self
        known = self.query_floor_s
        slow_for_a_day = self.bottleneck is Bottleneck.DATABASE_SATURATED and self.since is not None and self.since < now - _USUAL_AFTER
        if known is None or slow_for_a_day or query_s <= (1 - _FLOOR_NOISE) * known:
            return replace(self, query_floor_s=max(_MICROSECOND, round(query_s, 6)))
        return self

    def recommending(self, target: Configuration | None, here: Configuration, taken_at: datetime, now: datetime) -> "Memory":
        """
        Return the memory after a window that ended at *taken_at* led to *target*; None: no better setting is known.

        Counts how many windows agreed on workers and pool, and how few pods have been enough for how long.
        """
        if target is None:
            return replace(self, recommended=None, stair=(), agreement=None)
        agreement = None if here.same_template(target) else Agreement.after(self.agreement, target, taken_at)
        stair = recommended(self.stair, target.replicas, here.replicas, now)
        return replace(self, recommended=target, stair=stair, agreement=agreement)

    def enough(self, now: datetime) -> int | None:
        """Return the fewest pods that have been enough for the whole stabilization window, None where fewer have not."""
        return enough(self.stair, now)

    def doing_well(self, here: Configuration) -> "Memory":
        """Return the memory after *here* met the objective for a whole window."""
        return replace(self, last_known_good=here)

    def begun(self, change: Change) -> "Memory":
        """Return the memory after *change* was decided; one that was waiting for its judgement is kept without one."""
        waiting = self.ended(Outcome.APPLIED) if self.under_way is not None else self
        rollouts = (change.at, *waiting.rollouts)[:HISTORY_MOST] if change.rolls_out else waiting.rollouts
        stair = () if change.rolls_out else waiting.stair
        return replace(waiting, change=change, rollouts=rollouts, agreement=None, stair=stair)

    def undecided(self, earlier: "Memory") -> "Memory":
        """Return the memory without what a change that must not be made has left in it since *earlier*."""
        return replace(
            self,
            change=earlier.change,
            history=earlier.history,
            rollouts=earlier.rollouts,
            blocks=earlier.blocks,
            stair=earlier.stair,
            agreement=earlier.agreement,
        )

    def ended(self, outcome: Outcome, outcome_latency_s: float | None = None) -> "Memory":
        """Return the memory after the change in progress came to *outcome*."""
        if self.change is None:
            return self
        done = replace(self.change, outcome=outcome, outcome_latency_s=outcome_latency_s)
        good = done.target if outcome is Outcome.IMPROVED else self.last_known_good
        return replace(self, change=done, history=(done.past, *self.history)[:HISTORY_MOST], recommended=None, last_known_good=good)

    def blocking(self, change: Change, now: datetime) -> "Memory":
        """Return the memory after *change* made things worse."""
        return replace(self, blocks=with_block(self.blocks, change, now))

    def blocked(self, before: Configuration, target: Configuration, now: datetime) -> Block | None:
        """Return what keeps from going from *before* to *target* for now."""
        return blocking(self.blocks, before, target, now)

    def rollouts_since(self, now: datetime, window: timedelta) -> int:
        """Count the rollouts of the last *window*; the abandoned too, which most often had begun to reach the cluster."""
        return sum(at > now - window for at in self.rolled_out_at)

    @property
    def rolled_out_at(self) -> tuple[datetime, ...]:
        """When rollouts were decided, the newest first; those that only the history tells of included."""
        changes = (*self.history, self.change) if self.change is not None else self.history
        told = {change.at for change in changes if change.rolls_out}
        return tuple(sorted(told.union(self.rollouts), reverse=True))
