"""A change that is in force: wait for its judgement, keep it, or undo it."""

from dataclasses import replace

from apituner.core.bounds import outside_because
from apituner.core.change import Change, Outcome
from apituner.core.configuration import Knob
from apituner.core.decision import Decision, DecisionKind, held
from apituner.core.judge import Waiting, judge
from apituner.core.ownership import Hold
from apituner.core.passage import Passage
from apituner.core.plan import NoOrderFits, Plan, plan_within
from apituner.core.policy import Mode
from apituner.core.room import room_for

_REASONS = {Outcome.IMPROVED: "ChangeImproved", Outcome.NO_BETTER: "ChangeNoBetter", Outcome.APPLIED: "ChangeNotJudged"}


def settled(p: Passage) -> Decision:
    """Judge a change that is in force by what is seen now."""
    if (because := _overtaken_because(p)) is not None:
        return replace(p.draft, reason="ChangeNotJudged", because=because, memory=p.at.memory.ended(Outcome.APPLIED))
    if p.at.workload.mixed_because is not None:
        return held(p.draft, Hold(reason="RolloutInProgress", because=p.at.workload.mixed_because, retry_after_s=15))
    found = judge(p.change, p.seen, p.at.policy, expected_s=p.expected_s)
    if isinstance(found, Waiting):
        return held(p.draft, Hold(reason="Settling", because=found.because, retry_after_s=found.retry_after_s))
    if found.outcome is Outcome.WORSE:
        return held(p.draft, p.draft.standing) if p.draft.standing is not None else _undone(p, found.because, found.latency_s)
    memory = p.at.memory.ended(found.outcome, found.latency_s)
    return replace(p.draft, reason=_REASONS[found.outcome], because=f"{p.change.target}: {found.because}", memory=memory)


def stuck(p: Passage, because: str) -> Decision:
    """Undo a rollout that cannot go on *because* its pods do not start; the old ones that are left serve alone."""
    if p.change.reverts is not None:
        because = f"what made things worse cannot be undone: {because}"
        memory = p.at.memory.ended(Outcome.ABANDONED)
        return replace(p.draft, kind=DecisionKind.HOLD, reason="RevertFailed", because=because, memory=memory)
    if not p.change.rolls_out or p.at.workload.template_hash != p.change.template_hash:
        return held(p.draft, Hold(reason="RolloutStuck", because=because))
    return _undone(p, f"its pods do not start ({because})", None)


def _overtaken_because(p: Passage) -> str | None:
    """Say why the change can no longer be told from something else that happened."""
    target = p.change.target
    if not p.here.same_template(target):
        return f"somebody else set {p.here}, so {target} is not judged"
    if Knob.REPLICAS in p.at.policy.knobs and p.here.replicas != target.replicas:
        return f"somebody else scaled to {p.here.replicas} replicas, so {target} is not judged"
    if p.at.workload.template_hash != p.change.template_hash:
        return f"somebody else released another pod template, so {target} is not judged"
    return None


def _undone(p: Passage, because: str, latency_s: float | None) -> Decision:
    """Block the point, and go back to what was before; more pods are not taken away on the strength of one comparison."""
    memory = p.at.memory.blocking(p.change, p.at.now).ended(Outcome.WORSE, latency_s)
    because = f"{p.change.target} made things worse: {because}"
    if p.change.only_grows:
        return replace(p.draft, reason="ChangeWorse", because=because, memory=memory)
    way = _way_back(p, because)
    if isinstance(way, str):
        because = f"{because}; it cannot be undone: {way}"
        return replace(p.draft, kind=DecisionKind.HOLD, reason="RevertFailed", because=because, memory=memory)
    revert = Change(
        plan=way.identity,
        at=p.at.now.replace(microsecond=0),
        reason="Reverting",
        because=because,
        outcome=Outcome.APPLYING,
        before=way.before,
        target=way.target,
        through=way.through,
        peak=way.connections_at_peak,
        reverts=p.change.plan,
        template_hash=p.at.workload.template_hash,
    )
    memory, step = memory.begun(revert), way.steps[0]
    return replace(p.draft, kind=DecisionKind.APPLY, reason="Reverting", because=because, memory=memory, step=step)


def _way_back(p: Passage, because: str) -> Plan | str:
    """Return the way to where the change began, or why there is none. It takes no pods away to make room for itself."""
    policy, target = p.at.policy, p.change.before
    if policy.suspended or policy.mode is not Mode.AUTO:
        return "the spec no longer lets the operator act"
    if Knob.REPLICAS not in policy.knobs:
        target = replace(target, replicas=p.here.replicas)
    if target == p.here:
        return "the spec no longer names replicas"
    if (outside := outside_because(p.here, target, policy)) is not None:
        return outside
    room = room_for(p.at.workload, policy, least=min(p.here.replicas, target.replicas), known=(p.here, target))
    way = plan_within(p.here, target, engines=policy.engines_per_worker, because=because, room=room)
    return way.because if isinstance(way, NoOrderFits) else way
