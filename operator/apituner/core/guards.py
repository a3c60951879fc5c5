"""Who may object to a new change: an ordered list of sentences, each with a reason, a message and a time to ask again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apituner.core.configuration import Configuration
from apituner.core.memory import Memory
from apituner.core.ownership import Hold
from apituner.core.policy import Policy
from apituner.core.snapshot import Snapshot
from apituner.core.workload import Workload

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that somebody may object to."""

    target: Configuration
    effective: Configuration
    configured: Configuration
    seen: Snapshot
    workload: Workload
    policy: Policy
    memory: Memory
    now: datetime


Guard = Callable[[Proposal], Hold | None]


def rollout_must_be_settled(p: Proposal) -> Hold | None:
    """Never stack two changes: their effects could not be told apart."""
    unsettled = p.workload.unsettled_because
    return Hold(reason="RolloutInProgress", because=unsettled, retry_after_s=15) if unsettled else None


def window_must_hold_only_new_pods(p: Proposal) -> Hold | None:
    """Figures of a window that began before the rollout ended speak of the old pods too."""
    if p.workload.rolled_out_at is None:
        return None
    left = p.workload.rolled_out_at + timedelta(seconds=p.seen.window_s) - p.seen.taken_at
    if left <= timedelta(0):
        return None
    because = f"the last rollout ended too recently for a clean window of {p.seen.window_s:.0f} s"
    return Hold(reason="WindowTooYoung", because=because, retry_after_s=left.total_seconds())


def settings_must_be_effective(p: Proposal) -> Hold | None:
    """A variable that the processes do not follow is no knob."""
    if p.configured.same_template(p.effective):
        return None
    because = f"configured are {p.configured}, but the processes report {p.effective}: check that the program reads the variables"
    return Hold(reason="SettingNotEffective", because=because)


def bottleneck_must_have_lasted(p: Proposal) -> Hold | None:
    """One window may lie; a rollout for a passing burst is worse than the burst."""
    if p.memory.since is None:
        return Hold(reason="Stabilizing", because="the bottleneck was seen for the first time", retry_after_s=p.policy.stabilization_s)
    left = p.memory.since + timedelta(seconds=p.policy.stabilization_s) - p.now
    if left <= timedelta(0):
        return None
    because = f"the bottleneck must last {p.policy.stabilization_s:.0f} s before it counts"
    return Hold(reason="Stabilizing", because=because, retry_after_s=left.total_seconds())


def cooldown_must_have_passed(p: Proposal) -> Hold | None:
    """Let the last change show in the figures, also one that only the API server remembers."""
    last = max((at for at in (p.workload.written_at, p.memory.change and p.memory.change.at) if at), default=None)
    if last is None:
        return None
    left = last + timedelta(seconds=p.policy.cooldown_s) - p.now
    if left <= timedelta(0):
        return None
    because = f"the last change was less than {p.policy.cooldown_s:.0f} s ago"
    return Hold(reason="CoolingDown", because=because, retry_after_s=left.total_seconds())


def changes_must_remain_today(p: Proposal) -> Hold | None:
    """A loop that changes something all day is the fault itself."""
    if p.memory.changes_since(p.now, _DAY) < p.policy.changes_per_day:
        return None
    because = f"{p.policy.changes_per_day} changes in 24 hours are the most that spec.rollout.maxPerDay allows"
    return Hold(reason="DailyLimitReached", because=because)


GUARDS: Sequence[Guard] = (
    rollout_must_be_settled,  # never stack two changes: their effects could not be told apart
    window_must_hold_only_new_pods,
    settings_must_be_effective,
    bottleneck_must_have_lasted,
    changes_must_remain_today,
    cooldown_must_have_passed,
)
"""The first one wins: what the world must show comes before what time mends."""


def first_objection(proposal: Proposal, guards: Sequence[Guard] = GUARDS) -> Hold | None:
    """Return the first objection of *guards*, None where none objects."""
    return next((hold for guard in guards if (hold := guard(proposal))), None)
