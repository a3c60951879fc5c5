"""Guards that time mends: how long a need must have lasted, how fast pods may be given up, how often anything may be rolled out."""

from datetime import timedelta
from itertools import pairwise

from apituner.core.agreement import AGREED_ENOUGH
from apituner.core.change import Change
from apituner.core.memory import Memory
from apituner.core.ownership import Hold
from apituner.core.proposal import Proposal
from apituner.core.stabilization import SHRINK_EVERY, STABILIZATION, gradually

_DAY = timedelta(days=1)
_FLAP_WINDOW = timedelta(hours=1)
_FLAPS_MOST = 2
"""Returns to where the change before came from: a burst costs one, and a single mistake is forgiven."""


def bottleneck_must_have_lasted(p: Proposal) -> Hold | None:
    """P4: a rollout for a passing burst is worse than the burst; pods come and go at little cost."""
    if not p.rolls_out:
        return None
    if p.memory.since is None:
        return Hold(reason="Stabilizing", because="the bottleneck was seen for the first time", retry_after_s=p.policy.stabilization_s)
    left = p.memory.since + timedelta(seconds=p.policy.stabilization_s) - p.now
    if left <= timedelta(0):
        return None
    because = f"the bottleneck must last {p.policy.stabilization_s:.0f} s before it counts"
    return Hold(reason="Stabilizing", because=because, retry_after_s=left.total_seconds())


def windows_must_agree(p: Proposal) -> Hold | None:
    """P4: one window may lie."""
    if not p.rolls_out or p.agreed >= AGREED_ENOUGH:
        return None
    because = f"{p.agreed} of {AGREED_ENOUGH} windows in a row have led to these workers and this pool"
    return Hold(reason="WindowsDisagree", because=because, retry_after_s=p.seen.window_s / 2)


def fewer_pods_must_have_been_enough(p: Proposal) -> Hold | None:
    """P1: pods are given up by the largest recommendation of five minutes, as the next burst is rarely further away."""
    if not p.only_shrinks:
        return None
    enough = p.memory.enough(p.now)
    if enough is not None and enough <= p.target.replicas:
        return None
    because = f"{p.target.replicas} replicas have not been enough throughout the last {STABILIZATION.total_seconds():.0f} s"
    return Hold(reason="ScaleDownStabilizing", because=because, retry_after_s=15)


def pods_must_be_given_up_gradually(p: Proposal) -> Hold | None:
    """P1: a pod or a fifth at a time, and the effect seen before the next."""
    if not p.only_shrinks:
        return None
    least = gradually(p.effective.replicas, 0)
    if p.target.replicas < least:
        because = f"from {p.effective.replicas} replicas at once to {p.target.replicas} is too far: {least} are the fewest in one step"
        return Hold(reason="ScaleDownTooFar", because=because)
    last = max((change.at for change in _changes(p.memory) if change.target.replicas < change.before.replicas), default=None)
    left = timedelta(0) if last is None else last + SHRINK_EVERY - p.now
    if left <= timedelta(0):
        return None
    because = f"the last pods were given up less than {SHRINK_EVERY.total_seconds():.0f} s ago"
    return Hold(reason="ScaleDownPacing", because=because, retry_after_s=left.total_seconds())


def changes_must_not_go_back_and_forth(p: Proposal) -> Hold | None:
    """P4: to and fro is no tuning; what is there serves, so it stays for a while."""
    recent = [change for change in _changes(p.memory) if change.at > p.now - _FLAP_WINDOW]
    returns = [later for later, earlier in pairwise(recent) if later.target == earlier.before and not later.reverts]
    if p.only_grows or not recent or p.target != recent[0].before or len(returns) < _FLAPS_MOST:
        return None
    left = returns[_FLAPS_MOST - 1].at + _FLAP_WINDOW - p.now
    because = f"{len(returns)} of the last hour's changes only went back to where the one before came from"
    return Hold(reason="Flapping", because=because, retry_after_s=left.total_seconds())


def rollouts_must_remain_today(p: Proposal) -> Hold | None:
    """P4: a loop that rolls something out all day is the fault itself."""
    if not p.rolls_out or p.memory.rollouts_since(p.now, _DAY) < p.policy.changes_per_day:
        return None
    because = f"{p.policy.changes_per_day} rollouts in 24 hours are the most that spec.rollout.maxPerDay allows"
    return Hold(reason="DailyLimitReached", because=because)


def cooldown_must_have_passed(p: Proposal) -> Hold | None:
    """P4: let the last rollout show in the figures, also one that only the API server remembers."""
    last = max((at for at in (p.workload.written_at, *p.memory.rolled_out_at[:1]) if at), default=None)
    if last is None or not p.rolls_out:
        return None
    left = last + timedelta(seconds=p.policy.cooldown_s) - p.now
    if left <= timedelta(0):
        return None
    because = f"the last rollout was less than {p.policy.cooldown_s:.0f} s ago"
    return Hold(reason="CoolingDown", because=because, retry_after_s=left.total_seconds())


def _changes(memory: Memory) -> tuple[Change, ...]:
    """Return the changes that are remembered, the newest first."""
    under_way = memory.under_way
    return memory.history if under_way is None else (under_way, *memory.history)
