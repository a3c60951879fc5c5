"""A change on its way: finish it, wait for it, or let go of it."""

from dataclasses import replace
from datetime import timedelta

from apituner.core.configuration import Configuration, Knob
from apituner.core.decision import Decision, DecisionKind, held
from apituner.core.demand import configured
from apituner.core.memory import Change, Outcome
from apituner.core.ownership import Hold
from apituner.core.plan import Scale, Step, next_step, plan
from apituner.core.policy import Mode, Policy
from apituner.core.situation import Situation
from apituner.core.snapshot import Snapshot

# A change that could not be finished for so long rests on figures that nobody should act on any more.
_CHANGE_LIVES = timedelta(hours=1)


def continued(at: Situation, seen: Snapshot, change: Change, draft: Decision, effective: Configuration) -> Decision:
    """
    Take the next step of *change*, which was written down before its first write, so that a restart finds it again.

    What is due follows from the pod template alone: a step that was carried out just before a crash is seen to be done.
    """
    here = configured(at.workload, _unsaid(change, effective, at.policy))
    if Knob.REPLICAS not in at.policy.knobs:
        change = replace(change, target=replace(change.target, replicas=here.replicas))  # an autoscaler's to move, also meanwhile
    step, unsettled = next_step(here, change.target), at.workload.unsettled_because
    if step is None and unsettled is None:
        memory = at.memory.ended(Outcome.APPLIED)
        return replace(draft, reason="ChangeApplied", because=f"{change.target} is in force", memory=memory)
    if (because := _abandoned_because(at, change, here)) is not None:
        memory = at.memory.ended(Outcome.ABANDONED)
        return replace(draft, kind=DecisionKind.HOLD, reason="ChangeAbandoned", because=because, memory=memory)
    if draft.standing is not None:
        return held(draft, draft.standing)
    if step is None or unsettled is not None:
        return held(draft, Hold(reason="RolloutInProgress", because=unsettled or "", retry_after_s=15))
    if (hold := _shrink_must_wait(at, seen, step, here, draft)) is not None:
        return held(draft, hold)
    return replace(draft, kind=DecisionKind.APPLY, reason=change.reason, because=change.because, step=step)


def _unsaid(change: Change, effective: Configuration, policy: Policy) -> Configuration:
    """Return what holds where the template says nothing: of a setting that is not ours what it was, else what the processes report."""
    before = change.before
    return Configuration(
        replicas=before.replicas,
        workers=effective.workers if Knob.WORKERS in policy.knobs else before.workers,
        pool_size=effective.pool_size if Knob.POOL in policy.knobs else before.pool_size,
        max_overflow=effective.max_overflow if Knob.POOL in policy.knobs and policy.sets_overflow else before.max_overflow,
    )


def _shrink_must_wait(at: Situation, seen: Snapshot, step: Step, here: Configuration, draft: Decision) -> Hold | None:
    """Pods are given up only when a window of the new pods alone has shown that they meet the objective."""
    if not isinstance(step, Scale) or step.replicas >= here.replicas:
        return None
    ended = at.workload.rolled_out_at
    if ended is not None and seen.taken_at < ended + timedelta(seconds=seen.window_s):
        return Hold(reason="WindowTooYoung", because="the new pods have not been seen for a whole window yet")
    if draft.objective_missed is not None:
        return Hold(reason="ShrinkAwaitsObjective", because=f"no pod is given up while {draft.objective_missed}")
    return None


def _abandoned_because(at: Situation, change: Change, here: Configuration) -> str | None:
    """Say why *change* must not go on, None where it may."""
    return _forbidden_because(at, change) or _interfered_because(at, change, here) or _too_dear_because(at, change, here)


def _forbidden_because(at: Situation, change: Change) -> str | None:
    """Say what in the spec, or in the time that has passed, forbids it."""
    if at.policy.suspended or at.policy.mode is not Mode.AUTO:
        return "the spec no longer lets the operator act: the change stops where it is"
    if at.now - change.at > _CHANGE_LIVES:
        return "the change could not be finished within an hour: the figures it rests on are too old"
    if (knob := _moved_but_not_named(change, at.policy)) is not None:
        return f"the spec no longer names {knob}: it stays as it is"
    if not _within_bounds(change.target, at.policy):
        return f"{change.target} is no longer within the bounds of the spec"
    return None


def _interfered_because(at: Situation, change: Change, here: Configuration) -> str | None:
    """Say what somebody else did: our own steps lead only from where the change began to where it goes, and never back."""
    written = at.workload.written_at
    if here == change.before and written is not None and written >= change.at.replace(microsecond=0):
        return f"somebody set {here} back"
    if not here.same_template(change.before) and not here.same_template(change.target):
        return f"somebody else set {here} meanwhile"
    if Knob.REPLICAS in at.policy.knobs and here.replicas not in (change.before.replicas, change.target.replicas):
        return f"somebody else scaled to {here.replicas} replicas meanwhile"
    return None


def _too_dear_because(at: Situation, change: Change, here: Configuration) -> str | None:
    """Say so when the rest of the way no longer fits the connection budget; giving up pods opens none, so it always fits."""
    limit = at.policy.connection_limit
    way = plan(here, change.target, engines=at.policy.engines_per_worker, because=change.because)
    opens_more = way.connections_at_peak > here.connections(at.policy.engines_per_worker)
    if limit is not None and opens_more and way.connections_at_peak > limit.connections:
        return f"{way.connections_at_peak} connections at the peak no longer fit: {limit.because}"
    return None


def _within_bounds(target: Configuration, policy: Policy) -> bool:
    values = {Knob.REPLICAS: target.replicas, Knob.WORKERS: target.workers, Knob.POOL: target.pool_limit}
    return all(bounds.least <= values[knob] <= bounds.most for knob, bounds in policy.knobs.items())


def _moved_but_not_named(change: Change, policy: Policy) -> Knob | None:
    before, target = change.before, change.target
    moved = {
        Knob.WORKERS: before.workers != target.workers,
        Knob.POOL: (before.pool_size, before.max_overflow) != (target.pool_size, target.max_overflow),
    }
    return next((knob for knob, moves in moved.items() if moves and knob not in policy.knobs), None)
