"""A change that is in force: wait for its judgement, keep it, or undo it."""

from dataclasses import replace

from apituner.core.bounds import outside_because
from apituner.core.change import Change, Outcome
from apituner.core.configuration import Configuration, Knob
from apituner.core.decision import Decision, DecisionKind, held
from apituner.core.judge import Judgement, Waiting, judge
from apituner.core.ownership import Hold
from apituner.core.plan import NoOrderFits, Plan, Room, plan_within
from apituner.core.policy import Mode
from apituner.core.situation import Situation
from apituner.core.snapshot import Snapshot


def settled(
    at: Situation, seen: Snapshot, change: Change, draft: Decision, here: Configuration, expected_s: float | None = None
) -> Decision:
    """Judge *change*, which is in force, by what is *seen* now."""
    if (because := _overtaken_because(at, change, here)) is not None:
        return replace(draft, reason="ChangeNotJudged", because=because, memory=at.memory.ended(Outcome.APPLIED))
    if at.workload.mixed_because is not None:
        return held(draft, Hold(reason="RolloutInProgress", because=at.workload.mixed_because, retry_after_s=15))
    found = judge(change, seen, at.policy, expected_s=expected_s)
    if isinstance(found, Waiting):
        return held(draft, Hold(reason="Settling", because=found.because, retry_after_s=found.retry_after_s))
    if found.outcome is Outcome.WORSE:
        if draft.standing is not None:
            return held(draft, draft.standing)
        return _undone(at, change, draft, here, found.because, found)
    memory = at.memory.ended(found.outcome, found.latency_s)
    reason = {Outcome.IMPROVED: "ChangeImproved", Outcome.NO_BETTER: "ChangeNoBetter"}.get(found.outcome, "ChangeNotJudged")
    return replace(draft, reason=reason, because=f"{change.target}: {found.because}", memory=memory)


def stuck(at: Situation, change: Change, draft: Decision, here: Configuration) -> Decision:
    """Undo a rollout that cannot go on: its pods do not start, and the old ones that are left serve alone."""
    if change.reverts is not None:
        memory = at.memory.ended(Outcome.ABANDONED)
        because = f"what was to be undone cannot be: {at.workload.stuck_because}"
        return replace(draft, kind=DecisionKind.HOLD, reason="RevertFailed", because=because, memory=memory)
    if not change.rolls_out or at.workload.template_hash != change.template_hash:
        return held(draft, Hold(reason="RolloutStuck", because=at.workload.stuck_because or ""))
    return _undone(at, change, draft, here, f"its pods do not start ({at.workload.stuck_because})", None)


def _overtaken_because(at: Situation, change: Change, here: Configuration) -> str | None:
    """Say why *change* can no longer be told from something else that happened."""
    if not here.same_template(change.target):
        return f"somebody else set {here}, so {change.target} is not judged"
    if Knob.REPLICAS in at.policy.knobs and here.replicas != change.target.replicas:
        return f"somebody else scaled to {here.replicas} replicas, so {change.target} is not judged"
    if at.workload.template_hash != change.template_hash:
        return f"somebody else released another pod template, so {change.target} is not judged"
    return None


def _undone(at: Situation, change: Change, draft: Decision, here: Configuration, because: str, found: Judgement | None) -> Decision:
    """Block the point, and go back to what was before; more pods are not taken away on the strength of one comparison."""
    memory = at.memory.blocking(change, at.now).ended(Outcome.WORSE, None if found is None else found.latency_s)
    because = f"{change.target} made things worse: {because}"
    if change.only_grows:
        return replace(draft, reason="ChangeWorse", because=because, memory=memory)
    way = _way_back(at, change, here, because)
    if isinstance(way, str):
        because = f"{because}; it cannot be undone: {way}"
        return replace(draft, kind=DecisionKind.HOLD, reason="RevertFailed", because=because, memory=memory)
    revert = Change(
        plan=way.identity,
        at=at.now.replace(microsecond=0),
        reason="Reverting",
        because=because,
        outcome=Outcome.APPLYING,
        before=here,
        target=way.target,
        through=way.through,
        peak=way.connections_at_peak,
        reverts=change.plan,
        template_hash=at.workload.template_hash,
    )
    return replace(draft, kind=DecisionKind.APPLY, reason="Reverting", because=because, memory=memory.begun(revert), step=way.steps[0])


def _way_back(at: Situation, change: Change, here: Configuration, because: str) -> Plan | str:
    """Return the way to where *change* began, or why there is none. It takes no pods away for its own sake."""
    if at.policy.suspended or at.policy.mode is not Mode.AUTO:
        return "the spec no longer lets the operator act"
    target = change.before
    if Knob.REPLICAS not in at.policy.knobs:
        target = replace(target, replicas=here.replicas)
    if target == here:
        return "the spec no longer names replicas"
    if (outside := outside_because(here, target, at.policy)) is not None:
        return outside
    room = Room(
        limit=at.policy.connection_limit,
        least=min(here.replicas, target.replicas),
        bounds=at.policy.knobs.get(Knob.REPLICAS),
    )
    way = plan_within(here, target, engines=at.policy.engines_per_worker, because=because, strategy=at.workload.strategy, room=room)
    return way.because if isinstance(way, NoOrderFits) else way
