"""
Who may object to a new change: an ordered list of sentences, each with a reason, a message and a time to ask again.

Growing and shrinking are judged apart. More pods alone are the safe direction, so little may keep them waiting: only a rollout whose pods
are still mixed, a model that is wrong, the bounds, and a point that made things worse. Fewer pods, and a new template, which takes pods out
of service and opens connections at once, must have the whole picture, and time, on their side.
"""

from collections.abc import Sequence
from datetime import timedelta

from apituner.core.bounds import outside_because
from apituner.core.calibration import RESIDUAL_MOST
from apituner.core.change import Outcome
from apituner.core.ownership import Hold
from apituner.core.pacing import (
    bottleneck_must_have_lasted,
    changes_must_not_go_back_and_forth,
    cooldown_must_have_passed,
    fewer_pods_must_have_been_enough,
    pods_must_be_given_up_gradually,
    rollouts_must_remain_today,
    windows_must_agree,
)
from apituner.core.proposal import Guard, Proposal


def rollout_must_be_settled(p: Proposal) -> Hold | None:
    """P4: never stack two changes, their effects could not be told apart; but pods that start need not be waited for by more of them."""
    unsettled = p.workload.mixed_because if p.only_grows else p.workload.unsettled_because
    return Hold(reason="RolloutInProgress", because=unsettled, retry_after_s=15) if unsettled else None


def unseen_pods_must_be_gone(p: Proposal) -> Hold | None:
    """P2: where nobody tells how many pods are terminating, those that we gave up hold their connections for a whole grace period."""
    change = p.memory.change
    until = None if change is None else p.workload.ending_until(change.ending_since)
    if until is None or until <= p.now:
        return None
    left = until - p.now
    because = "pods that were given up may not have exited yet, and this cluster does not tell"
    return Hold(reason="PodsEnding", because=because, retry_after_s=left.total_seconds())


def change_must_be_judged(p: Proposal) -> Hold | None:
    """P4: never a second change before the first is judged; a need for more pods ends the waiting."""
    change = p.memory.change
    if change is None or change.outcome is not Outcome.SETTLING or p.only_grows:
        return None
    because = f"the last change, to {change.target}, is not judged yet"
    return Hold(reason="Settling", because=because, retry_after_s=p.seen.window_s)


def every_pod_must_be_known(p: Proposal) -> Hold | None:
    """
    P1: a pod that is not ready or does not report may be the busiest of all, so while there is one no capacity is taken.

    For growing it counts as idle: its load is not in the sums, and it will serve once it is ready.
    """
    unknown = p.workload.replicas - min(p.workload.ready_replicas, p.seen.pods_reporting)
    if p.only_grows or unknown <= 0:
        return None
    because = f"{unknown} of {p.workload.replicas} pods are not ready or do not report, and count as fully busy"
    return Hold(reason="PodsUnknown", because=because, retry_after_s=15)


def window_must_hold_only_new_pods(p: Proposal) -> Hold | None:
    """P1: figures of a window that began before the rollout ended speak of the old pods too."""
    if p.workload.rolled_out_at is None or p.only_grows:
        return None
    left = p.workload.rolled_out_at + timedelta(seconds=p.seen.window_s) - p.seen.taken_at
    if left <= timedelta(0):
        return None
    because = f"the last rollout ended too recently for a clean window of {p.seen.window_s:.0f} s"
    return Hold(reason="WindowTooYoung", because=because, retry_after_s=left.total_seconds())


def settings_must_be_effective(p: Proposal) -> Hold | None:
    """P1: a variable that the processes do not follow is no knob."""
    if p.configured.same_template(p.effective) or p.only_grows:
        return None
    because = f"configured are {p.configured}, but the processes report {p.effective}: check that the program reads the variables"
    return Hold(reason="SettingNotEffective", because=because)


def target_must_be_within_bounds(p: Proposal) -> Hold | None:
    """P3: nothing outside the bounds of the spec, and no knob that it does not name."""
    outside = outside_because(p.effective, p.target, p.policy)
    return Hold(reason="OutOfBounds", because=outside) if outside else None


def model_must_explain_what_is_seen(p: Proposal) -> Hold | None:
    """P11: a model that cannot explain the present does not know the future."""
    if p.residual_ratio is None or p.residual_ratio <= RESIDUAL_MOST:
        return None
    because = f"{p.residual_ratio:.0%} of the latency are not explained by the model, {RESIDUAL_MOST:.0%} is the most"
    return Hold(reason="ModelUnreliable", because=because, retry_after_s=p.seen.window_s)


def point_must_not_be_blocked(p: Proposal) -> Hold | None:
    """P4: what made things worse is not tried again for a while."""
    block = p.memory.blocked(p.effective, p.target, p.now)
    if block is None:
        return None
    times = "once" if block.count == 1 else f"{block.count} times"
    because = f"{block.target} made things worse {times}; it is not tried again before {block.until:%Y-%m-%d %H:%M} UTC"
    return Hold(reason="PointBlocked", because=because, retry_after_s=(block.until - p.now).total_seconds())


GUARDS: Sequence[Guard] = (
    rollout_must_be_settled,
    unseen_pods_must_be_gone,
    change_must_be_judged,
    every_pod_must_be_known,
    window_must_hold_only_new_pods,
    settings_must_be_effective,
    target_must_be_within_bounds,
    model_must_explain_what_is_seen,
    point_must_not_be_blocked,
    bottleneck_must_have_lasted,
    windows_must_agree,
    fewer_pods_must_have_been_enough,
    pods_must_be_given_up_gradually,
    changes_must_not_go_back_and_forth,
    rollouts_must_remain_today,
    cooldown_must_have_passed,
)
"""The first one wins: what the world must show comes before what time mends."""


def first_objection(proposal: Proposal, guards: Sequence[Guard] = GUARDS) -> Hold | None:
    """Return the first objection of *guards*, None where none objects."""
    return next((hold for guard in guards if (hold := guard(proposal))), None)
