"""One decision about one API: the page that calls all the others."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apituner.core.configuration import Configuration, Knob
from apituner.core.decision import Decision, DecisionKind, Recommendation
from apituner.core.demand import configured, in_force, service_demand
from apituner.core.diagnosis import TUNABLE, Bottleneck, Diagnosis, Evidence, diagnose, missed_because
from apituner.core.guards import STANDING, Hold, Proposal, first_objection, rollout_must_be_settled
from apituner.core.memory import Change, Memory, Outcome
from apituner.core.plan import next_step, plan
from apituner.core.policy import Mode, Policy
from apituner.core.snapshot import Signal, Snapshot, Unobserved
from apituner.core.solver import Problem, Unsolvable, solve
from apituner.core.trust import Gap, gap
from apituner.core.workload import Workload

# A change that could not be finished for so long rests on figures that nobody should act on any more.
_CHANGE_LIVES = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a decision rests on."""

    workload: Workload
    seen: Snapshot | Unobserved
    policy: Policy
    memory: Memory
    now: datetime
    elapsed_s: float
    """Since the last sweep."""


def decide(at: Situation) -> Decision:
    """
    Say what to do about one API now, and why.

    Too little seen: hold. A change on its way: finish it before anything else. Otherwise diagnose, and only a bottleneck that the knobs
    can cure leads to a proposal, to which the guards may object.
    """
    found = gap(at.seen, at.workload, at.policy)
    if isinstance(at.seen, Unobserved) or found is not None:
        found = found or Gap(reason="NoSeries", because="nothing was seen")
        return Decision(kind=DecisionKind.HOLD, reason=found.reason, because=found.because, memory=at.memory)
    effective = in_force(at.seen, at.workload, at.policy)
    evidence = Evidence(seen=at.seen, here=effective, workload=at.workload, policy=at.policy, query_floor_s=at.memory.query_floor_s)
    diagnosis = diagnose(evidence)
    memory = at.memory.seeing(diagnosis.bottleneck, at.now).querying(at.seen.get(Signal.QUERY_MEAN_S), at.elapsed_s)
    draft = Decision(
        kind=DecisionKind.KEEP,
        reason=str(diagnosis.bottleneck),
        because=diagnosis.because,
        memory=memory,
        diagnosis=diagnosis,
        effective=effective,
        objective_missed=missed_because(at.seen, at.policy),
    )
    at = replace(at, memory=memory)
    if memory.change is not None and memory.change.outcome is Outcome.APPLYING:
        return _continued(at, at.seen, memory.change, effective, draft)
    return _proposed(at, at.seen, effective, diagnosis, draft)


def _continued(at: Situation, seen: Snapshot, change: Change, effective: Configuration, draft: Decision) -> Decision:
    """Finish the change that is on its way, or let go of it; after a restart too, for it was written down before the first write."""
    here = configured(at.workload, effective)
    abandoned = _abandoned_because(at, change, here)
    if abandoned is not None:
        memory = at.memory.ended(Outcome.ABANDONED)
        return replace(draft, kind=DecisionKind.HOLD, reason="ChangeAbandoned", because=abandoned, memory=memory)
    proposal = _proposal(at, seen, change.target, effective)
    if (hold := first_objection(proposal, STANDING)) is not None:
        return _held(draft, hold)
    step = next_step(here, change.target)
    if step is None or not here.same_template(change.before):
        # Past the first write: the next one waits for it to come to rest.
        if (hold := rollout_must_be_settled(proposal)) is not None:
            return _held(draft, hold)
        if step is None:
            memory = at.memory.ended(Outcome.APPLIED)
            return replace(draft, reason="ChangeApplied", because=f"{change.target} is in force", memory=memory)
    if (hold := rollout_must_be_settled(proposal)) is not None:
        return _held(draft, hold)
    return replace(draft, kind=DecisionKind.APPLY, reason=change.reason, because=change.because, step=step)


def _abandoned_because(at: Situation, change: Change, here: Configuration) -> str | None:
    if at.policy.suspended or at.policy.mode is not Mode.AUTO:
        return "the mode no longer lets the operator act: the change stops where it is"
    if at.now - change.at > _CHANGE_LIVES:
        return "the change could not be finished within an hour: the figures it rests on are too old"
    if not here.same_template(change.before) and not here.same_template(change.target):
        return f"somebody else set {here} meanwhile"
    limit = at.policy.connection_limit
    if limit is not None and here != change.target:
        way = plan(here, change.target, engines=at.policy.engines_per_worker, because=change.because)
        if way.connections_at_peak > limit.connections:
            return f"{way.connections_at_peak} connections at the peak no longer fit: {limit.because}"
    if not _within_bounds(change.target, at.policy):
        return f"{change.target} is no longer within the bounds of the spec"
    return None


def _within_bounds(target: Configuration, policy: Policy) -> bool:
    values = {Knob.REPLICAS: target.replicas, Knob.WORKERS: target.workers, Knob.POOL: target.pool_size}
    return all(bounds.least <= values[knob] <= bounds.most for knob, bounds in policy.knobs.items())


def _proposed(at: Situation, seen: Snapshot, effective: Configuration, diagnosis: Diagnosis, draft: Decision) -> Decision:
    """Look for something better, and let the guards speak."""
    if diagnosis.bottleneck not in TUNABLE:
        standing = first_objection(_proposal(at, seen, effective, effective), STANDING)
        helps = None if diagnosis.bottleneck in (Bottleneck.NOTHING_WRONG, Bottleneck.UNKNOWN) else False
        draft = replace(draft, tuning_helps=helps, memory=replace(at.memory, recommended=None))
        return draft if standing is None else _held(draft, standing)
    problem = Problem(here=effective, demand=service_demand(seen, effective, at.policy), policy=at.policy, workload=at.workload)
    answer = solve(problem, recommended=at.memory.recommended)
    if isinstance(answer, Unsolvable):
        memory = replace(at.memory, recommended=None)
        because = f"{diagnosis.because}; {answer.because}"
        return replace(draft, reason="TuningCannotHelp", because=because, tuning_helps=False, memory=memory)
    if answer.target == effective:
        because = f"{diagnosis.because}; by the model the present setting should do, so no change is called for"
        return replace(draft, reason="ModelDisagrees", because=because, memory=replace(at.memory, recommended=None))
    because = f"{diagnosis.because}; {answer.because}"
    way = plan(effective, answer.target, engines=at.policy.engines_per_worker, because=because)
    memory = replace(at.memory, recommended=answer.target)
    draft = replace(
        draft,
        because=because,
        memory=memory,
        tuning_helps=True,
        recommendation=Recommendation(plan=way, forecast=answer.forecast, rejected=answer.rejected),
    )
    hold = first_objection(_proposal(replace(at, memory=memory), seen, answer.target, effective))
    if hold is not None:
        return _held(draft, hold)
    if at.policy.suspended or at.policy.mode is not Mode.AUTO:
        return replace(draft, kind=DecisionKind.RECOMMEND)
    change = Change(
        plan=way.identity,
        at=at.now,
        reason=str(diagnosis.bottleneck),
        because=because,
        outcome=Outcome.APPLYING,
        before=effective,
        target=answer.target,
    )
    return replace(draft, kind=DecisionKind.APPLY, step=way.steps[0], memory=replace(memory, change=change))


def _proposal(at: Situation, seen: Snapshot, target: Configuration, effective: Configuration) -> Proposal:
    return Proposal(
        target=target,
        effective=effective,
        configured=configured(at.workload, effective),
        seen=seen,
        workload=at.workload,
        policy=at.policy,
        memory=at.memory,
        now=at.now,
    )


def _held(draft: Decision, hold: Hold) -> Decision:
    return replace(draft, kind=DecisionKind.HOLD, reason=hold.reason, because=hold.because, retry_after_s=hold.retry_after_s)
