"""One decision about one API: the page that calls all the others."""

from dataclasses import replace

from apituner.core.agreement import AGREED_ENOUGH
from apituner.core.configuration import Configuration
from apituner.core.decision import Decision, DecisionKind, Recommendation, held
from apituner.core.demand import configured, in_force, service_demand
from apituner.core.diagnosis import TUNABLE, Bottleneck, Diagnosis, Evidence, diagnose, missed_because
from apituner.core.guards import first_objection
from apituner.core.ownership import Hold, standing_objection
from apituner.core.plan import NoOrderFits, plan_within
from apituner.core.policy import Mode
from apituner.core.progress import begun, continued
from apituner.core.proposal import Proposal
from apituner.core.room import room_for
from apituner.core.situation import Situation
from apituner.core.snapshot import Signal, Snapshot, Unobserved
from apituner.core.solver import Problem, Unsolvable, solve
from apituner.core.trust import Gap, gap


def decide(at: Situation) -> Decision:
    """
    Say what to do about one API now, and why.

    What a person must mend comes first. Too little seen: hold. A change on its way: finish it before anything else. Otherwise
    diagnose, and only a bottleneck that the knobs can cure leads to a proposal, to which the guards may object.
    """
    seen = at.seen
    standing = standing_objection(at.workload, at.policy)
    found = gap(seen, at.workload, at.policy)
    if isinstance(seen, Unobserved) or found is not None:
        return _unseen(at, standing, found)
    effective = in_force(seen, at.workload, at.policy)
    evidence = Evidence(seen=seen, here=effective, workload=at.workload, policy=at.policy, query_floor_s=at.memory.query_floor_s)
    diagnosis = diagnose(evidence)
    memory = at.memory.seeing(diagnosis.bottleneck, at.now).querying(seen.get(Signal.QUERY_MEAN_S), at.now)
    draft = Decision(
        kind=DecisionKind.KEEP,
        reason=str(diagnosis.bottleneck),
        because=diagnosis.because,
        memory=memory,
        standing=standing,
        diagnosis=diagnosis,
        effective=effective,
        objective_missed=missed_because(seen, at.policy),
    )
    at = replace(at, memory=memory)
    if memory.under_way is not None:
        return continued(at, seen, memory.under_way, draft, effective)
    return _proposed(at, seen, effective, diagnosis, draft)


def _unseen(at: Situation, standing: Hold | None, found: Gap | None) -> Decision:
    """Hold; while pods come and go it is no fault that some do not report."""
    found = found or Gap(reason="NoSeries", because="nothing was seen")
    reason, because = found.reason, found.because
    if standing is not None:
        reason, because = standing.reason, standing.because
    elif not isinstance(at.seen, Unobserved) and at.workload.unsettled_because is not None:
        reason, because = "RolloutInProgress", at.workload.unsettled_because
    memory = at.memory.unseeing(at.now)
    return Decision(kind=DecisionKind.HOLD, reason=reason, because=because, memory=memory, standing=standing, gap=found)


def _proposed(  # noqa: PLR0911 - one for each way in which a proposal ends
    at: Situation, seen: Snapshot, effective: Configuration, diagnosis: Diagnosis, draft: Decision
) -> Decision:
    """Look for something better, and let the guards speak."""
    if diagnosis.bottleneck not in TUNABLE:
        helps = None if diagnosis.bottleneck in (Bottleneck.NOTHING_WRONG, Bottleneck.UNKNOWN) else False
        draft = replace(draft, tuning_helps=helps, memory=at.memory.recommending(None, effective, seen.taken_at, at.now))
        return held(draft, draft.standing) if draft.standing else draft
    problem = Problem(here=effective, demand=service_demand(seen, effective, at.policy), policy=at.policy, workload=at.workload)
    answer = solve(problem, recommended=at.memory.recommended)
    if isinstance(answer, Unsolvable):
        memory = at.memory.recommending(None, effective, seen.taken_at, at.now)
        because = f"{diagnosis.because}; {answer.because}"
        return replace(draft, reason="TuningCannotHelp", because=because, tuning_helps=False, memory=memory)
    if answer.target == effective:
        because = f"{diagnosis.because}; by the model the present setting should do, so no change is called for"
        memory = at.memory.recommending(None, effective, seen.taken_at, at.now)
        return replace(draft, reason="ModelDisagrees", because=because, memory=memory)
    because = f"{diagnosis.because}; {answer.because}"
    memory = at.memory.recommending(answer.target, effective, seen.taken_at, at.now)
    last = (memory.change.before, memory.change.target) if memory.change is not None else ()
    room = room_for(at.workload, at.policy, least=effective.replicas, known=(effective, *last))
    way = plan_within(effective, answer.target, engines=at.policy.engines_per_worker, because=because, room=room)
    objection = draft.standing or first_objection(_proposal(replace(at, memory=memory), seen, answer.target, effective))
    if isinstance(way, NoOrderFits):
        return held(replace(draft, memory=memory), objection or Hold(reason="NoOrderFits", because=way.because))
    draft = replace(
        draft,
        because=because,
        memory=memory,
        tuning_helps=True,
        recommendation=Recommendation(plan=way, forecast=answer.forecast, rejected=answer.rejected),
    )
    if objection is not None:
        return held(draft, objection)
    if at.policy.suspended or at.policy.mode is not Mode.AUTO:
        return replace(draft, kind=DecisionKind.RECOMMEND)
    change = begun(at, seen, way, reason=str(diagnosis.bottleneck), forecast_latency_s=answer.forecast.latency_s)
    return replace(draft, kind=DecisionKind.APPLY, step=way.steps[0], memory=memory.begun(change))


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
        agreed=AGREED_ENOUGH,
    )
