"""The bottleneck is named in the order in which an experienced engineer looks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apituner.api.diagnoses import FINDINGS_MOST
from apituner.core.diagnosis import (
    MOVES,
    TUNABLE,
    Bottleneck,
    Budget,
    Check,
    Diagnosis,
    Evidence,
    Remark,
    Verdict,
    caller_latency_s,
    diagnose,
    missed_because,
)
from apituner.core.snapshot import Absence, Signal
from apituner.core.trust import gap
from builders import HEALTHY, NOON, a_configuration, a_policy, a_snapshot, a_workload

SATURATED: dict[str, Any] = {"query_mean_s": 0.074, "queries_rps": 90, "pool_hold_mean_s": 0.08}
BLOCKED: dict[str, Any] = {"loop_blocked_ratio": 0.2, "loop_lag_p99_s": 0.3}
BUSY: dict[str, Any] = {"cpu_cores": 1.8}
# Without them nothing is diagnosed at all.
NEEDED = {
    Signal.REQUESTS_RPS,
    Signal.LATENCY_MEAN_S,
    Signal.LATENCY_OBJECTIVE_S,
    Signal.ERRORS_RATIO,
    Signal.CPU_CORES,
    Signal.LOOP_CPU_CORES,
    Signal.LOOP_LAG_MEAN_S,
    Signal.LOOP_LAG_P99_S,
    Signal.LOOP_BLOCKED_RATIO,
    Signal.WORKERS_ALIVE,
}
NEEDS: dict[Signal, tuple[Bottleneck | Remark, ...]] = {
    Signal.QUERY_MEAN_S: (Bottleneck.DATABASE_SATURATED, Bottleneck.N_PLUS_ONE, Bottleneck.LONG_TRANSACTION, Remark.UNEXPLAINED),
    Signal.QUERIES_RPS: (Bottleneck.DATABASE_SATURATED, Bottleneck.N_PLUS_ONE, Bottleneck.LONG_TRANSACTION, Remark.UNEXPLAINED),
    Signal.QUERIES_IN_SERIALIZATION_RATIO: (Remark.LAZY_LOADING,),
    Signal.EXTERNAL_RPS: (Bottleneck.EXTERNAL_INSIDE_TRANSACTION, Bottleneck.EXTERNAL_SLOW, Remark.UNEXPLAINED),
    Signal.EXTERNAL_MEAN_S: (Bottleneck.EXTERNAL_INSIDE_TRANSACTION, Bottleneck.EXTERNAL_SLOW, Remark.UNEXPLAINED),
    Signal.EXTERNAL_IN_TRANSACTION_RATIO: (Bottleneck.EXTERNAL_INSIDE_TRANSACTION,),
    Signal.EXTERNAL_WITHOUT_TIMEOUT_RATIO: (Remark.NO_TIMEOUT,),
    Signal.SERIALIZATION_MEAN_S: (Bottleneck.SERIALIZATION_HEAVY,),
    Signal.BACKGROUND_MEAN_S: (Bottleneck.BACKGROUND_WORK_IN_PROCESS,),
    Signal.THROTTLED_RATIO: (Bottleneck.CPU_THROTTLED,),
    Signal.THREADPOOL_TOKENS: (Bottleneck.THREADPOOL_EXHAUSTED,),
    Signal.THREADPOOL_BORROWED: (Bottleneck.THREADPOOL_EXHAUSTED,),
    Signal.THREADPOOL_WAITING: (Bottleneck.THREADPOOL_EXHAUSTED,),
    Signal.POOL_WAIT_MEAN_S: (Bottleneck.POOL_STARVED, Remark.UNEXPLAINED),
    Signal.POOL_HOLD_MEAN_S: (Bottleneck.POOL_STARVED, Bottleneck.LONG_TRANSACTION, Remark.POOL_MISMATCH),
    Signal.POOL_ACQUISITIONS_RPS: (Bottleneck.POOL_STARVED, Bottleneck.LONG_TRANSACTION, Remark.POOL_MISMATCH),
    Signal.POOL_TIMEOUTS_RPS: (Bottleneck.POOL_STARVED, Remark.UNEXPLAINED),
    Signal.POOL_LIMIT: (Bottleneck.POOL_STARVED, Remark.POOL_MISMATCH),
}


def evidence(
    *,
    floor_s: float | None = 0.035,
    cpu_limit: float | None = 1.0,
    workers: int = 1,
    **readings: Any,  # noqa: ANN401 - any signal
) -> Evidence:
    """Return the starved API, its queries known to take 35 ms at best."""
    here = a_configuration(workers=workers)
    return Evidence(
        seen=a_snapshot(here, **readings),
        here=here,
        workload=a_workload(here, cpu_limit_cores=cpu_limit),
        policy=a_policy(),
        query_floor_s=floor_s,
    )


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(
            Bottleneck.DATABASE_SATURATED,
            SATURATED | BLOCKED | {"query_mean_s": 0.3, "pool_hold_mean_s": 0.31},
            id="the database explains the rest",
        ),
        pytest.param(Bottleneck.LOOP_BLOCKED, SATURATED | BLOCKED, id="queries are slow, but the loop explains more than twice as much"),
        pytest.param(Bottleneck.LOOP_BLOCKED, BLOCKED, id="a pool that waits is a symptom of a blocked loop"),
        pytest.param(Bottleneck.WORKER_CPU, BUSY | {"pool_hold_mean_s": 0.1}, id="CPU before the pool: a slow worker holds longer"),
        pytest.param(Bottleneck.WORKER_CPU, BUSY | BLOCKED, id="a loop that is busy is not blocked"),
        pytest.param(Bottleneck.POOL_STARVED, {}, id="only the pool is left"),
        pytest.param(Bottleneck.POOL_STARVED, {"cpu_cores": 1.32, "latency_mean_s": 0.8}, id="no headroom of CPU, but hardly any queue"),
        pytest.param(Bottleneck.DATABASE_SATURATED, SATURATED, id="a pool that waits is a symptom of a saturated database"),
        pytest.param(Bottleneck.UNKNOWN, {"pool_wait_mean_s": 0}, id="slow, and nothing explains it"),
        pytest.param(Bottleneck.NOTHING_WRONG, HEALTHY | SATURATED, id="an objective that is met needs no cause"),
        pytest.param(Bottleneck.WORKER_CPU, HEALTHY | BUSY, id="an objective that is met without headroom is about to be missed"),
        pytest.param(Bottleneck.POOL_STARVED, {"latency_objective_s": 0.1, "errors_ratio": 0.02}, id="fast, but requests fail"),
    ],
)
def test_the_first_cause_that_explains_it_is_named(expected: Bottleneck, readings: dict[str, Any]) -> None:
    """Database, loop, CPU, pool: what makes the others look ill comes first, if it explains enough."""
    assert expected is diagnose(evidence(**readings)).bottleneck


def test_p5_everything_looked_at_is_told_in_the_order_of_looking() -> None:
    """Every bottleneck that can be found and every remark once, grouped by the steps of looking, each with its figures."""
    found: Diagnosis = diagnose(evidence(**SATURATED, **BLOCKED, **BUSY))
    steps = [finding.check for finding in found.findings]

    assert sorted(steps, key=list(Check).index) == steps
    assert set(Check) == set(steps)
    reasons = [finding.reason for finding in found.findings]
    assert sorted({*Bottleneck, *Remark} - {Bottleneck.NOTHING_WRONG, Bottleneck.UNKNOWN}) == sorted(reasons)
    assert all(finding.because for finding in found.findings)
    assert all(finding.advice for finding in found.findings if finding.verdict in (Verdict.FAIL, Verdict.WARN))
    assert not [finding for finding in found.findings if finding.verdict is Verdict.PASS and finding.advice]
    assert len(found.findings) <= FINDINGS_MOST


def test_p5_the_sentence_has_the_figures_and_the_advice_is_that_of_the_bottleneck() -> None:
    """How the objective is missed, and by what; where nothing is named there is no advice."""
    found = diagnose(evidence(**SATURATED))

    assert "p95 is" in found.because
    assert "72 ms against 35 ms" in found.because
    assert "pg_stat_statements" in found.advice
    assert not diagnose(evidence(**HEALTHY)).advice
    assert "but: workers use 90%" in diagnose(evidence(**HEALTHY | BUSY)).because


def test_a_pool_is_charged_with_what_nobody_else_fills_it_with() -> None:
    """350 of 402 ms are its own."""
    (found,) = [one for one in diagnose(evidence()).findings if one.reason is Bottleneck.POOL_STARVED]

    assert found.explains_ratio == pytest.approx(350 / 402)


def test_only_cpu_and_pool_are_cured_by_knobs_alone() -> None:
    """What tuning cures on its own is among what it may move for."""
    assert {Bottleneck.WORKER_CPU, Bottleneck.POOL_STARVED} == TUNABLE
    assert MOVES.keys() == set(Bottleneck)
    assert all(MOVES[one] for one in TUNABLE)


@given(
    gone=st.sets(st.sampled_from([one for one in Signal if one not in NEEDED])),
    readings=st.fixed_dictionaries({one: st.floats(0.001, 1e4) for one in Signal if one not in NEEDED}),
    known=st.booleans(),
)
@settings(max_examples=1000)
def test_p1_an_absent_signal_never_raises_and_never_passes_for_a_good_one(
    gone: set[Signal],
    readings: dict[Signal, float],
    known: bool,  # noqa: FBT001 - drawn
) -> None:
    """Whatever is missing: a check that needs it says so, and none says that all is well for want of a figure."""
    seen = a_snapshot(absent=dict.fromkeys(gone, Absence.NO_SERIES), **dict[str, Any](**readings))
    whole = Evidence(seen=seen, here=a_configuration(), workload=a_workload(), policy=a_policy(), query_floor_s=0.035 if known else None)
    verdicts = {one.reason: one.verdict for one in diagnose(whole).findings}

    unknown = {reason for reason, verdict in verdicts.items() if verdict is Verdict.UNKNOWN}
    assert {reason for signal in gone for reason in NEEDS.get(signal, ())} <= unknown


@pytest.mark.parametrize(("signal", "reason"), [(signal, reason) for signal, reasons in NEEDS.items() for reason in reasons])
def test_p1_each_check_knows_what_it_needs(signal: Signal, reason: Bottleneck | Remark) -> None:
    """With everything but one signal told, the checks that rest on it do not know; it says which line of code adds it."""
    told = dict[str, Any]({one: 1.0 for one in Signal if one not in NEEDED})
    seen = a_snapshot(absent={signal: Absence.NOT_EXPORTED}, **told)
    found = diagnose(Evidence(seen=seen, here=a_configuration(), workload=a_workload(), policy=a_policy(), query_floor_s=0.035))
    (finding,) = [one for one in found.findings if one.reason is reason]

    assert Verdict.UNKNOWN is finding.verdict
    assert "instrument(app, engine=engine)" in finding.advice


@pytest.mark.parametrize(
    ("expected", "blocked"),
    [
        pytest.param(0.1 + 0.01, 0.04, id="seldom blocked: the mean lag is felt"),
        pytest.param(0.1 + 0.4, 0.06, id="blocked for more than the forgiven share: the p99 is felt"),
    ],
)
def test_a_caller_waits_for_the_loop_too(expected: float, blocked: float) -> None:
    """The API's own histogram begins when the loop gets to a request."""
    seen = a_snapshot(latency_objective_s=0.1, loop_lag_mean_s=0.01, loop_lag_p99_s=0.4, loop_blocked_ratio=blocked)

    assert expected == pytest.approx(caller_latency_s(seen, a_policy()))


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(None, {"latency_objective_s": 0.25, "loop_lag_mean_s": 0}, id="exactly the objective is met"),
        pytest.param("p95 is 251 ms", {"latency_objective_s": 0.251, "loop_lag_mean_s": 0}, id="a millisecond over"),
        pytest.param(None, HEALTHY | {"errors_ratio": 0.01}, id="exactly as many errors as allowed"),
        pytest.param("2.0% of requests fail", HEALTHY | {"errors_ratio": 0.02}, id="too many errors"),
    ],
)
def test_missed_because(expected: str | None, readings: dict[str, Any]) -> None:
    """How the objective is missed is a sentence with its numbers."""
    found = missed_because(a_snapshot(**readings), a_policy())

    assert found is None if expected is None else found is not None and expected in found


@given(
    readings=st.fixed_dictionaries({}, optional={one: st.floats(0, 1e6) for one in Signal}),
    known=st.fixed_dictionaries(
        {},
        optional={
            "knee": st.floats(0, 1e4),
            "usual_queries": st.floats(0, 100),
            "query_floor_s": st.floats(0, 10),
            "restarts_per_hour": st.floats(0, 100),
            "met_since": st.just(NOON - timedelta(hours=1)),
            "budget": st.builds(Budget, limit=st.integers(0, 100), granted=st.integers(0, 100), free=st.integers(-9, 9)),
        },
    ),
    cpu=st.none() | st.floats(0.1, 8),
    memory=st.none() | st.floats(1, 1e10),
)
@settings(max_examples=1000)
def test_whatever_may_be_acted_on_can_be_diagnosed(
    readings: dict[Signal, float], known: dict[str, Any], cpu: float | None, memory: float | None
) -> None:
    """No figure that passes for one makes a check fail, and the diagnosis of the same is the same; a share is a share."""
    seen, workload = a_snapshot(**dict[str, Any](**readings)), a_workload(cpu_limit_cores=cpu, memory_limit_bytes=memory)
    if gap(seen, workload, a_policy()) is not None:
        return
    whole = Evidence(seen=seen, here=a_configuration(), workload=workload, policy=a_policy(), **known)
    found = diagnose(whole)

    assert found == diagnose(whole)
    assert all(0 <= one.explains_ratio <= 1 for one in found.findings if one.explains_ratio is not None)
    named = [one.verdict for one in found.findings if one.reason is found.bottleneck]
    assert named in ([], [Verdict.FAIL], [Verdict.WARN])
    assert bool(named) != (found.bottleneck in (Bottleneck.NOTHING_WRONG, Bottleneck.UNKNOWN))


@given(factor=st.floats(0.01, 100))
@settings(max_examples=1000)
def test_the_unit_of_time_leaves_the_diagnosis(factor: float) -> None:
    """Twice as slow against twice the objective is the same trouble: no check of the starved pool, the busy CPU or the database minds."""
    times = (
        "latency_mean_s",
        "latency_objective_s",
        "loop_lag_mean_s",
        "loop_lag_p99_s",
        "pool_wait_mean_s",
        "pool_hold_mean_s",
        "query_mean_s",
    )
    rates = ("requests_rps", "pool_acquisitions_rps", "queries_rps")
    for readings in ({}, BUSY, SATURATED):
        plain = a_snapshot(**readings)
        scaled = {one: plain[Signal(one)] * factor for one in times} | {one: plain[Signal(one)] / factor for one in rates}
        policy = a_policy(objective=replace(a_policy().objective, latency_s=0.25 * factor))
        slow = Evidence(
            seen=a_snapshot(**dict[str, Any](readings | scaled)),
            here=a_configuration(),
            workload=a_workload(),
            policy=policy,
            query_floor_s=0.035 * factor,
        )

        assert diagnose(evidence(**readings)).bottleneck is diagnose(slow).bottleneck
