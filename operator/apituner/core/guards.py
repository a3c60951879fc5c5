"""Who may object to a change: an ordered list of sentences, each with a reason, a message and a time to ask again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apituner.core.configuration import Configuration, Knob
from apituner.core.memory import Memory
from apituner.core.policy import Policy
from apituner.core.snapshot import Snapshot
from apituner.core.workload import SettingSource, Workload

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An objection: nothing is changed now."""

    reason: str
    because: str
    retry_after_s: float | None = None


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


def target_must_be_switched_on(p: Proposal) -> Hold | None:
    """Nought replicas is how a person switches an API off."""
    if p.workload.replicas > 0:
        return None
    return Hold(reason="ScaledToZero", because="the Deployment has 0 replicas, which is left to whoever switched it off")


def settings_must_be_ours_to_set(p: Proposal) -> Hold | None:
    """A variable that is fed from elsewhere, or overridden by a flag, cannot be set by us."""
    for name, setting in p.workload.settings.items():
        advice = _ADVICE.get(setting.source)
        if advice is not None:
            because = f"{setting.variable} ({name}) comes from {setting.detail or setting.source}: {advice}"
            return Hold(reason=f"SettingFrom{setting.source}", because=because)
    return None


_ADVICE = {
    SettingSource.SECRET: "make it a plain value in the container's env, or leave the knob out of spec.knobs",
    SettingSource.CONFIG_MAP: "make it a plain value in the container's env, or leave the knob out of spec.knobs",
    SettingSource.FIELD: "make it a plain value in the container's env, or leave the knob out of spec.knobs",
    SettingSource.COMMAND_LINE: "drop the flag, so that the variable takes effect, or leave the knob out of spec.knobs",
    SettingSource.UNREADABLE: "write one whole number, or leave the knob out of spec.knobs",
}


def fields_must_not_be_owned_by_another(p: Proposal) -> Hold | None:
    """Two writers on one field undo each other, with a rollout each time."""
    if p.policy.takes_fields:
        return None
    for setting in p.workload.settings.values():
        if setting.owner is not None:
            because = (
                f"{setting.variable} is owned by field manager {setting.owner!r}: "
                "leave it out of what that manager applies, or set spec.rollout.onConflict to Take"
            )
            return Hold(reason="FieldOwnedByOther", because=because)
    return None


def replicas_must_not_be_autoscaled(p: Proposal) -> Hold | None:
    """An autoscaler sets the number back within seconds."""
    scaler = p.workload.autoscaler
    if scaler is None or Knob.REPLICAS not in p.policy.knobs:
        return None
    because = f"{scaler.kind} {scaler.name!r} owns the replicas: delete it, or leave replicas out of spec.knobs"
    return Hold(reason="AutoscalerOwnsReplicas", because=because)


def rollout_must_be_possible(p: Proposal) -> Hold | None:
    """A paused or stuck Deployment would take the change and do nothing with it, or half of it."""
    if p.workload.paused:
        return Hold(reason="DeploymentPaused", because="the Deployment is paused: kubectl rollout resume")
    if p.workload.stuck_because is not None:
        return Hold(reason="RolloutStuck", because=p.workload.stuck_because)
    return None


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


STANDING: Sequence[Guard] = (
    target_must_be_switched_on,  # nothing else matters of an API that is off
    settings_must_be_ours_to_set,
    fields_must_not_be_owned_by_another,
    replicas_must_not_be_autoscaled,
    rollout_must_be_possible,
)
"""Objections of the target as it stands: they hold whatever the proposal is, and a change in progress too."""

GUARDS: Sequence[Guard] = (
    *STANDING,
    rollout_must_be_settled,
    window_must_hold_only_new_pods,
    settings_must_be_effective,
    bottleneck_must_have_lasted,
    changes_must_remain_today,
    cooldown_must_have_passed,
)
"""Objections to a new change, the first one wins: what a person must mend comes before what time mends."""


def first_objection(proposal: Proposal, guards: Sequence[Guard] = GUARDS) -> Hold | None:
    """Return the first objection of *guards*, None where none objects."""
    return next((hold for guard in guards if (hold := guard(proposal))), None)
