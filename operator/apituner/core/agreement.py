"""How many windows agreed on workers and pool: one window may lie, and a rollout for a passing burst is worse than the burst."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from apituner.core.configuration import Configuration

AGREED_ENOUGH = 3
"""Windows that must agree before workers or pool are changed."""
# A window that shares more than half with the last one is no second witness: half of the usual 60 s.
_APART = timedelta(seconds=30)
# The least pool moves by one or two from sweep to sweep by noise alone, a large one by a tenth.
_POOL_NEAR = 2
_POOL_NEAR_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was proposed for workers and pool, and since when every window has proposed it."""

    target: Configuration
    """The first of the proposals, so that many small steps in one direction do not pass for agreement."""
    since: datetime
    """When the first of the windows ended. Kept in place of a count, so that nothing is written while windows agree."""

    @staticmethod
    def after(last: "Agreement | None", target: Configuration, taken_at: datetime) -> "Agreement":
        """Return the agreement after a window that ended at *taken_at* led to *target*."""
        if last is not None and last.holds_for(target):
            return last
        return Agreement(target=target, since=taken_at.replace(microsecond=0))

    def holds_for(self, target: Configuration) -> bool:
        """Say whether *target* is the same proposal, noise in the pool aside; the number of pods is another matter."""
        near = max(_POOL_NEAR, _POOL_NEAR_SHARE * self.target.pool_limit)
        return self.target.workers == target.workers and abs(self.target.pool_limit - target.pool_limit) <= near

    def windows(self, taken_at: datetime) -> int:
        """Return how many windows agree when the newest ended at *taken_at*."""
        return 1 + max(0, (taken_at - self.since) // _APART)
