"""One decision as a whole: what it may never do, and what it always says."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.core.configuration import Configuration, Knob, connections_at_peak
from apituner.core.decide import decide
from apituner.core.decision import Decision, DecisionKind
from apituner.core.diagnosis import Bottleneck
from apituner.core.memory import Memory, Outcome
from apituner.core.plan import after
from apituner.core.policy import Bounds, ConnectionLimit, Mode
from apituner.core.situation import Situation
from apituner.core.snapshot import Absence, Signal, Unobserved
from apituner.core.workload import Autoscaler
from builders import HEALTHY, NOON, a_configuration, a_policy, a_situation, a_snapshot, a_workload
from strategies import configurations, policies

LASTED = Memory(bottleneck=Bottleneck.POOL_STARVED, since=NOON - timedelta(hours=1), query_floor_s=0.035)
BLOCKED = {"loop_blocked_ratio": 0.2, "loop_lag_p99_s": 0.3}
SATURATED = {"query_mean_s": 0.2}


def decided(at: Configuration | None = None, *, readings: dict[str, Any] | None = None, **changes: Any) -> Decision:  # noqa: ANN401
    """Decide about the starved API, its bottleneck seen for an hour."""
    return decide(a_situation(at, **{"memory": LASTED, "seen": a_snapshot(at, **(readings or {})), **changes}))


def test_the_starved_pool_is_cured_by_a_rollout() -> None:
    """The story of the demo: the pool grows, nothing else moves, and the intention is in the memory."""
    found = decided()

    assert (found.kind, found.reason, found.tuning_helps) == (DecisionKind.APPLY, "PoolStarved", True)
    assert found.recommendation is not None
    assert found.memory.change is not None
    assert found.recommendation.plan.steps[0] == found.step
    assert found.recommendation.plan.identity == found.memory.change.plan
    assert (found.memory.change.outcome, found.memory.change.at) == (Outcome.APPLYING, NOON)
    assert (found.memory.change.target.replicas, found.memory.change.target.workers) == (2, 1)
    assert "a request waits 350 ms" in found.because
    assert found.recommendation.rejected


def test_what_is_short_of_cpu_gets_pods_and_no_rollout() -> None:
    """One worker a pod, all of them busy: only the number of pods can help."""
    busy = {"cpu_cores": 1.8, "loop_cpu_cores": 1.2, "pool_wait_mean_s": 0.0, "pool_hold_mean_s": 0.01, "latency_mean_s": 0.05}
    found = decided(a_configuration(pool_size=6), readings=busy, memory=replace(LASTED, bottleneck=Bottleneck.WORKER_CPU))

    assert (found.kind, found.reason, str(found.step)) == (DecisionKind.APPLY, "WorkerCpu", "scale to 3 replicas")


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(Bottleneck.LOOP_BLOCKED, BLOCKED, id="a blocked loop buys no pool"),
        pytest.param(Bottleneck.DATABASE_SATURATED, SATURATED, id="a saturated database gets no more connections"),
    ],
)
def test_p12_what_no_knob_cures_buys_nothing(expected: Bottleneck, readings: dict[str, Any]) -> None:
    """Although the pool waits: the cause is named, tuning is said not to help, and nothing is changed."""
    found = decided(readings=readings, memory=replace(LASTED, bottleneck=expected))

    assert (DecisionKind.KEEP, str(expected), False) == (found.kind, found.reason, found.tuning_helps)
    assert (found.step, found.recommendation, found.memory.recommended) == (None, None, None)
    assert found.diagnosis is not None
    assert expected is found.diagnosis.bottleneck


def test_p12_no_setting_within_the_bounds_will_do() -> None:
    """The binding cause is part of the sentence."""
    found = decided(policy=a_policy(connection_limit=ConnectionLimit(connections=5, because="95 held by others")))

    assert (found.kind, found.reason, found.tuning_helps) == (DecisionKind.KEEP, "TuningCannotHelp", False)
    assert "95 held by others" in found.because


def test_p5_doing_nothing_says_why() -> None:
    """An objective that is met is the reason, with both numbers."""
    found = decided(readings=HEALTHY)

    assert (found.kind, found.reason) == (DecisionKind.KEEP, "NothingWrong")
    assert (found.because, found.tuning_helps, found.objective_missed) == ("p95 is 102 ms, within 250 ms", None, None)


def test_a_model_that_finds_nothing_wrong_does_not_act() -> None:
    """The pool waits, but by the model it need not: nothing is bought on that."""
    at = a_configuration(pool_size=30)
    found = decided(at, readings={"pool_wait_mean_s": 0.03, "pool_hold_mean_s": 0.41, "latency_mean_s": 0.06, "queries_rps": 450})

    assert (found.kind, found.reason, found.recommendation) == (DecisionKind.KEEP, "ModelDisagrees", None)


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param({"mode": Mode.RECOMMEND}, id="Recommend"),
        pytest.param({"suspended": True}, id="suspended"),
        pytest.param({"mode": Mode.RECOMMEND, "suspended": True}, id="both"),
    ],
)
def test_what_may_not_act_recommends(policy: dict[str, Any]) -> None:
    """The same plan, and no step."""
    found = decided(policy=a_policy(**policy))

    assert (found.kind, found.step, found.memory.change) == (DecisionKind.RECOMMEND, None, None)
    assert found.recommendation is not None
    assert decided().recommendation == found.recommendation


def test_p1_nothing_seen_is_told_and_nothing_is_done() -> None:
    """Prometheus down: a hold with its reason, and a bottleneck that must prove itself anew."""
    found = decided(seen=Unobserved(reason=Absence.UNREACHABLE, because="connection refused"))

    assert (found.kind, found.reason, found.because) == (DecisionKind.HOLD, "Unreachable", "connection refused")
    assert (found.memory.bottleneck, found.memory.recommended) == (Bottleneck.UNKNOWN, None)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        pytest.param("DeploymentPaused", {"workload": a_workload(paused=True)}, id="what a person must mend"),
        pytest.param("RolloutInProgress", {"workload": a_workload(updated_replicas=1)}, id="pods that come and go do not report: no fault"),
        pytest.param("PartialCoverage", {}, id="a silent pod"),
    ],
)
def test_the_most_useful_reason_is_told_while_too_little_is_seen(expected: str, changes: dict[str, Any]) -> None:
    """The gap itself is kept beside it."""
    found = decided(seen=a_snapshot(pods_reporting=1), **changes)

    assert expected == found.reason
    assert found.gap is not None
    assert found.gap.reason == "PartialCoverage"


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param("DeploymentPaused", {}, id="with something better known"),
        pytest.param("DeploymentPaused", HEALTHY, id="with nothing wrong"),
        pytest.param("DeploymentPaused", BLOCKED, id="with nothing to be done"),
    ],
)
def test_what_a_person_must_mend_comes_first(expected: str, readings: dict[str, Any]) -> None:
    """Whatever the figures say."""
    found = decided(readings=readings, workload=a_workload(paused=True))

    assert (DecisionKind.HOLD, expected) == (found.kind, found.reason)


def test_p4_a_guard_keeps_the_recommendation_in_sight() -> None:
    """A hold still tells what it holds back."""
    found = decided(memory=Memory())

    assert (found.kind, found.reason, found.retry_after_s) == (DecisionKind.HOLD, "Stabilizing", 30)
    assert found.recommendation is not None
    assert found.memory.recommended == found.recommendation.plan.target
    assert found.memory.change is None


def test_p2_what_no_order_of_steps_can_reach_is_refused_with_a_way_out() -> None:
    """An autoscaler may run twenty pods at any moment of the rollout: the sentence says which strategy or budget would do."""
    pool = {Knob.POOL: Bounds(least=2, most=30)}
    scaler = Autoscaler(kind="HorizontalPodAutoscaler", name="hpa", min_replicas=2, max_replicas=20)
    found = decided(policy=a_policy(knobs=pool), workload=a_workload(autoscaler=scaler))

    assert (found.kind, found.reason, found.step) == (DecisionKind.HOLD, "NoOrderFits", None)
    assert "a budget that leaves 140" in found.because


def test_a_recommendation_does_not_follow_noise() -> None:
    """A little less to hold than a sweep ago would do with a connection less; the answer stays as it was."""
    first = decided(policy=a_policy(mode=Mode.RECOMMEND))
    noisy = {"pool_hold_mean_s": 0.027, "pool_limit": 4}
    second = decided(policy=a_policy(mode=Mode.RECOMMEND), memory=first.memory, readings=noisy)

    assert first.memory.recommended == second.memory.recommended
    assert first.memory.recommended != decided(policy=a_policy(mode=Mode.RECOMMEND), readings=noisy).memory.recommended


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Situations of every kind: missing and odd figures, unsettled Deployments, any policy."""
    here = draw(configurations())
    readings: dict[str, Any] = {
        "requests_rps": draw(st.floats(0, 150)),
        "latency_objective_s": draw(st.floats(0, 2)),
        "cpu_cores": draw(st.floats(0, 3)),
        "loop_cpu_cores": draw(st.floats(0, 2)),
        "pool_wait_mean_s": draw(st.floats(0, 0.5)),
        "pool_hold_mean_s": draw(st.floats(0, 0.2)),
        "latency_mean_s": draw(st.floats(0, 0.6)),
    }
    gone = draw(st.sets(st.sampled_from(list(Signal)), max_size=1))
    odd = draw(st.none() | st.sampled_from(list(Signal)))
    if odd is not None and draw(st.booleans()):
        readings[odd] = draw(st.sampled_from([math.nan, math.inf, 0.0, -1.0]))
    settled = draw(st.booleans())
    return Situation(
        workload=a_workload(here, updated_replicas=here.replicas if settled else 0),
        seen=a_snapshot(here, absent=dict.fromkeys(gone, Absence.STALE), **readings),
        policy=replace(draw(policies()), mode=draw(st.sampled_from(Mode)), suspended=draw(st.booleans())),
        memory=draw(st.sampled_from([Memory(), LASTED, replace(LASTED, bottleneck=Bottleneck.WORKER_CPU)])),
        now=NOON,
    )


@given(situations())
def test_only_auto_applies_and_only_on_a_whole_picture(at: Situation) -> None:
    """Recommend and suspended never yield Apply, nor does anything missing or odd (P1), nor a rollout under way (P4); P5: all say why."""
    found = decide(at)

    assert found.because
    assert found.reason
    assert (found.step is not None) is (found.kind is DecisionKind.APPLY)
    if found.kind is DecisionKind.APPLY:
        assert (at.policy.mode, at.policy.suspended, at.workload.unsettled_because) == (Mode.AUTO, False, None)
        assert not isinstance(at.seen, Unobserved)
        assert all(math.isfinite(value) and value >= 0 for value in at.seen.readings.values())
        assert (found.gap, found.standing) == (None, None)


@given(situations())
def test_p2_p3_what_is_applied_stays_within_bounds_and_budget(at: Situation) -> None:
    """Named knobs within their bounds, others untouched, and the peak within the limit unless nothing is opened."""
    found = decide(at)
    if found.step is None or found.effective is None or found.memory.change is None:
        return
    here, target, engines = found.effective, found.memory.change.target, at.policy.engines_per_worker
    values = {Knob.REPLICAS: target.replicas, Knob.WORKERS: target.workers, Knob.POOL: target.pool_limit}
    stays = {Knob.REPLICAS: here.replicas, Knob.WORKERS: here.workers, Knob.POOL: here.pool_limit}
    for knob, value in values.items():
        bounds = at.policy.knobs.get(knob, Bounds(least=stays[knob], most=stays[knob]))
        assert bounds.least <= value <= bounds.most
    if (limit := at.policy.connection_limit) is not None:
        assert connections_at_peak(here, target, engines) <= max(limit.connections, here.connections(engines))
        assert connections_at_peak(here, after(here, found.step), engines) <= max(limit.connections, here.connections(engines))


@given(situations())
def test_p6_the_same_situation_has_the_same_decision(at: Situation) -> None:
    """Nothing but its argument enters a decision."""
    assert decide(at) == decide(at)


@given(situations(), st.sampled_from(list(Signal)))
def test_p1_a_figure_less_never_starts_a_change_elsewhere(at: Situation, signal: Signal) -> None:
    """With a figure missing there is no change, or the very same one."""
    assert not isinstance(at.seen, Unobserved)
    blind = replace(at.seen, readings={k: v for k, v in at.seen.readings.items() if k is not signal}, absent={signal: Absence.STALE})
    known, found = decide(at), decide(replace(at, seen=blind))

    if found.kind is DecisionKind.APPLY and signal not in (Signal.WORKER_RSS_MAX_BYTES, Signal.QUERY_MEAN_S, Signal.QUERIES_RPS):
        assert known.step == found.step
