"""Points that were tried and made things worse: not tried again for a while, and each time for longer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apituner.core.change import Change
from apituner.core.configuration import Configuration

BLOCKS_MOST = 10
"""Points that are remembered."""
_FIRST = timedelta(hours=1)
_LONGEST = timedelta(hours=24)
# A pool one connection larger is the same attempt: as near as the solver's own noise, or a tenth.
_POOL_NEAR = 2
_POOL_NEAR_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A change that was tried and made things worse."""

    before: Configuration
    target: Configuration
    until: datetime
    count: int
    """How often it has been tried."""

    def covers(self, before: Configuration, target: Configuration) -> bool:
        """
        Say whether going from *before* to *target* would be the same attempt.

        A template is the same attempt with any number of pods; taking pods away is, as soon as no more are left than were too few. More
        pods are only where it is exactly as many: a larger load needs more, whatever was tried at a smaller one.
        """
        if not before.same_template(target):
            near = max(_POOL_NEAR, _POOL_NEAR_SHARE * self.target.pool_limit)
            alike = self.target.workers == target.workers and abs(self.target.pool_limit - target.pool_limit) <= near
            return alike and not self.before.same_template(self.target)
        if not self.target.same_template(target):
            return False
        if target.replicas < before.replicas:
            return self.target.replicas < self.before.replicas and target.replicas <= self.target.replicas
        return self.target.replicas > self.before.replicas and target.replicas == self.target.replicas


def blocking(blocks: Sequence[Block], before: Configuration, target: Configuration, now: datetime) -> Block | None:
    """Return the block that keeps from going to *target* now, None where there is none."""
    return next((one for one in blocks if one.until > now and one.covers(before, target)), None)


def with_block(blocks: Sequence[Block], change: Change, now: datetime) -> tuple[Block, ...]:
    """Return the blocks after *change* made things worse: for an hour, doubled with each repetition up to a day. The newest is first."""
    same = [one for one in blocks if one.covers(change.before, change.target)]
    count = 1 + max((one.count for one in same), default=0)
    lasts = min(_LONGEST, _FIRST * 2 ** min(count - 1, 5))
    new = Block(before=change.before, target=change.target, until=now.replace(microsecond=0) + lasts, count=count)
    # What ended a day ago has been forgiven.
    rest = [one for one in blocks if one not in same and one.until > now - _LONGEST]
    return (new, *rest)[:BLOCKS_MOST]
