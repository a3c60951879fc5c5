"""A change on its way: finish it, wait for it, or let go of it."""

from dataclasses import replace
from datetime import timedelta

from apituner.core.bounds import outside_because
from apituner.core.change import Change, Outcome
from apituner.core.configuration import Configuration, Knob
from apituner.core.decision import Decision, DecisionKind, held
from apituner.core.demand import configured
from apituner.core.judge import figures
from apituner.core.ownership import Hold
from apituner.core.passage import Passage
from apituner.core.plan import Plan, Scale, Step, next_step, plan
from apituner.core.policy import Mode, Policy
from apituner.core.room import room_for
from apituner.core.settling import settled, stuck
from apituner.core.situation import Situation
from apituner.core.snapshot import Snapshot
from apituner.core.workload import Workload

# A change that could not be finished for so long rests on figures that nobody should act on any more.
_CHANGE_LIVES = timedelta(hours=1)


def begun(at: Situation, seen: Snapshot, way: Plan, *, reason: str, forecast_latency_s: float | None = None) -> Change:
    """Return the change that goes *way*, as it is written down before its first write, with what it will be judged by."""
    change = Change(
        plan=way.identity,
        at=at.now.replace(microsecond=0),
        reason=reason,
        because=way.because,
        outcome=Outcome.APPLYING,
        before=way.before,
        target=way.target,
        through=way.through,
        peak=way.connections_at_peak,
        seen_before=figures(seen, at.policy),
        forecast_latency_s=forecast_latency_s,
        template_hash=at.workload.template_hash,
    ).rounded()
    return _noting_ending_pods(at, change, way.steps[0], way.before)


def continued(  # noqa: PLR0913 - what one sweep knows of a change, bundled below
    at: Situation, seen: Snapshot, change: Change, draft: Decision, effective: Configuration, *, expected_s: float | None = None
) -> Decision:
    """
    Take the next step of *change*, which was written down before its first write, so that a restart finds it again; or judge it.

    What is due follows from the pod template alone: a step that was carried out just before a crash is seen to be done. *expected_s* is
    what the configuration before the change would give at the load of now, by the model; None where it may not be asked.
    """
    here = configured(at.workload, _unsaid(change, effective, at.policy))
    if Knob.REPLICAS not in at.policy.knobs:  # an autoscaler's to move, also meanwhile
        before, target = replace(change.before, replicas=here.replicas), replace(change.target, replicas=here.replicas)
        change = replace(change, before=before, target=target, through=here.replicas)
    passage = Passage(at=at, seen=seen, change=change, draft=draft, here=here, expected_s=expected_s)
    if change.outcome is Outcome.SETTLING:
        return settled(passage)
    step = next_step(here, change.target, change.through)
    return _arriving(passage) if step is None else _stepping(passage, step)


def _arriving(p: Passage) -> Decision:
    """Nothing is left to write: wait for the pods, undo what cannot go on, or see it in force."""
    unsettled, stuck_because = _unsettled_because(p.at, p.change), p.at.workload.stuck_because
    if unsettled is None:
        return _in_force(p)
    if stuck_because is not None and p.at.workload.terminating_replicas == 0:
        return stuck(p, stuck_because)
    return _abandoned(p) or held(p.draft, p.draft.standing or _rolling(unsettled))


def _stepping(p: Passage, step: Step) -> Decision:
    """A step is left: take it, unless something speaks against it."""
    if (abandoned := _abandoned(p)) is not None:
        return abandoned
    if p.draft.standing is not None:
        return held(p.draft, p.draft.standing)
    unsettled = _unsettled_because(p.at, p.change)
    hold = _rolling(unsettled) if unsettled is not None else _shrink_must_wait(p, step)
    if hold is not None:
        return held(p.draft, hold)
    memory = replace(p.at.memory, change=_noting_ending_pods(p.at, p.at.memory.change or p.change, step, p.here))
    return replace(p.draft, kind=DecisionKind.APPLY, reason=p.change.reason, because=p.change.because, step=step, memory=memory)


def _rolling(unsettled: str) -> Hold:
    return Hold(reason="RolloutInProgress", because=unsettled, retry_after_s=15)


def _abandoned(p: Passage) -> Decision | None:
    """Let go of a change that must not go on, None where it may."""
    because = _abandoned_because(p.at, p.change, p.here)
    if because is None:
        return None
    reason = "RevertFailed" if p.change.reverts else "ChangeAbandoned"
    memory = p.at.memory.ended(Outcome.ABANDONED)
    return replace(p.draft, kind=DecisionKind.HOLD, reason=reason, because=because, memory=memory)


def _in_force(p: Passage) -> Decision:
    """Every pod is new: what was to be undone is undone, anything else waits for its judgement."""
    memory, target = p.at.memory, p.change.target
    if p.change.reverts is not None:
        memory = memory.ended(Outcome.REVERTED)
        return replace(p.draft, reason="ChangeReverted", because=f"{target} is in force again", memory=memory)
    settling = replace(p.change, outcome=Outcome.SETTLING, settled_at=p.at.now.replace(microsecond=0))
    because = f"{target} is in force, and is judged once a window holds only its pods"
    return replace(p.draft, reason="ChangeApplied", because=because, memory=replace(memory, change=settling, recommended=None))


def _unsettled_because(at: Situation, change: Change) -> str | None:
    """Say why the last step is not done; pods that were given up unseen are waited for, too."""
    until = at.workload.ending_until(change.ending_since)
    if until is not None and at.now < until:
        return "pods that were given up may not have exited yet"
    return at.workload.unsettled_because


def _noting_ending_pods(at: Situation, change: Change, step: Step, here: Configuration) -> Change:
    """Note when pods are given up, where nobody will tell when they are gone."""
    workload: Workload = at.workload
    if workload.tells_of_ending_pods or not isinstance(step, Scale) or step.replicas >= here.replicas:
        return change
    return replace(change, ending_since=at.now.replace(microsecond=0))


def _unsaid(change: Change, effective: Configuration, policy: Policy) -> Configuration:
    """Return what holds where the template says nothing: of a setting that is not ours what it was, else what the processes report."""
    before = change.before
    return Configuration(
        replicas=before.replicas,
        workers=effective.workers if Knob.WORKERS in policy.knobs else before.workers,
        pool_size=effective.pool_size if Knob.POOL in policy.knobs else before.pool_size,
        max_overflow=effective.max_overflow if Knob.POOL in policy.knobs and policy.sets_overflow else before.max_overflow,
    )


def _shrink_must_wait(p: Passage, step: Step) -> Hold | None:
    """
    Pods are given up only when a window of the new pods alone has shown that they meet the objective.

    Those given up before a rollout make room for it: that so few serve meanwhile was decided with the plan.
    """
    if not isinstance(step, Scale) or step.replicas >= p.here.replicas or not p.here.same_template(p.change.target):
        return None
    ended = p.at.workload.rolled_out_at
    if ended is not None and p.seen.taken_at < ended + timedelta(seconds=p.seen.window_s):
        return Hold(reason="WindowTooYoung", because="the new pods have not been seen for a whole window yet")
    if p.draft.objective_missed is not None:
        return Hold(reason="ShrinkAwaitsObjective", because=f"no pod is given up while {p.draft.objective_missed}")
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
    outside = outside_because(change.before, change.target, at.policy)
    return f"the change stops where it is: {outside}" if outside else None


def _interfered_because(at: Situation, change: Change, here: Configuration) -> str | None:
    """Say what somebody else did: our own steps lead only from where the change began to where it goes, and never back."""
    written = at.workload.written_at
    if here == change.before and written is not None and written >= change.at.replace(microsecond=0):
        return f"somebody set {here} back"
    if not here.same_template(change.before) and not here.same_template(change.target):
        return f"somebody else set {here} meanwhile"
    ours = {change.before.replicas, change.target.replicas, change.through or change.target.replicas}
    if change.only_grows:  # may have been amended upwards on the way
        ours |= set(range(change.before.replicas, change.target.replicas))
    if Knob.REPLICAS in at.policy.knobs and here.replicas not in ours:
        return f"somebody else scaled to {here.replicas} replicas meanwhile"
    return None


def _too_dear_because(at: Situation, change: Change, here: Configuration) -> str | None:
    """Say so when the rest of the way no longer fits the connection budget; giving up pods opens none, so it always fits."""
    limit, engines = at.policy.connection_limit, at.policy.engines_per_worker
    room = room_for(at.workload, at.policy, least=1, known=(here, change.before))
    way = plan(here, change.target, engines=engines, because="", room=room, through=change.through)
    if limit is not None and way.opens > limit.connections:
        return f"{way.opens} connections at the peak no longer fit: {limit.because}"
    return None
