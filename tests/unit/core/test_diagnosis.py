"""The bottleneck is named in the order in which an experienced engineer looks."""

from typing import Any

import pytest

from apituner.core.configuration import Knob
from apituner.core.diagnosis import (
    TUNABLE,
    Bottleneck,
    Diagnosis,
    Evidence,
    Verdict,
    caller_latency_s,
    database_is_not_saturated,
    diagnose,
    loop_is_not_blocked,
    missed_because,
    pool_is_not_starved,
    workers_have_cpu,
)
from apituner.core.policy import Bounds
from apituner.core.snapshot import Absence, Signal
from builders import HEALTHY, a_configuration, a_policy, a_snapshot, a_workload

SATURATED: dict[str, Any] = {"query_mean_s": 0.070, "queries_rps": 90}
BLOCKED: dict[str, Any] = {"loop_blocked_ratio": 0.2, "loop_lag_p99_s": 0.3}
BUSY: dict[str, Any] = {"cpu_cores": 1.8}


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
        pytest.param(Verdict.PASS, {"query_mean_s": 0.0699, "queries_rps": 90}, id="not quite twice the floor"),
        pytest.param(Verdict.FAIL, {"query_mean_s": 0.070, "queries_rps": 90}, id="exactly twice the floor"),
        pytest.param(Verdict.PASS, {"query_mean_s": 0.070, "queries_rps": 28}, id="slow, but fewer than two at once: one slow statement"),
        pytest.param(Verdict.FAIL, {"query_mean_s": 0.080, "queries_rps": 25}, id="exactly two at once"),
        pytest.param(Verdict.UNKNOWN, {"floor_s": None}, id="no floor is known yet"),
    ],
)
def test_database(expected: Verdict, readings: dict[str, Any]) -> None:
    """Queries that take twice their usual time, several at once, wait inside the database."""
    assert expected is database_is_not_saturated(evidence(**readings)).verdict


@pytest.mark.parametrize("signal", [Signal.QUERY_MEAN_S, Signal.QUERIES_RPS])
def test_a_database_that_reports_nothing_is_unknown(signal: Signal) -> None:
    """Missing query times are not good query times."""
    seen = a_snapshot(absent={signal: Absence.NO_SERIES})
    found = database_is_not_saturated(
        Evidence(seen=seen, here=a_configuration(), workload=a_workload(), policy=a_policy(), query_floor_s=0.01),
    )

    assert Verdict.UNKNOWN is found.verdict


@pytest.mark.parametrize(
    ("expected", "blocked", "lag_s"),
    [
        pytest.param(Verdict.FAIL, 0.05, 0.05, id="exactly at both thresholds"),
        pytest.param(Verdict.PASS, 0.049, 0.5, id="blocked too seldom"),
        pytest.param(Verdict.PASS, 0.5, 0.049, id="blocked too shortly"),
    ],
)
def test_loop(expected: Verdict, blocked: float, lag_s: float) -> None:
    """A loop is blocked when it stands still often enough and long enough."""
    assert expected is loop_is_not_blocked(evidence(loop_blocked_ratio=blocked, loop_lag_p99_s=lag_s)).verdict


@pytest.mark.parametrize(
    ("expected", "cpu_cores", "cpu_limit", "workers"),
    [
        pytest.param(Verdict.FAIL, 1.3, 1.0, 1, id="65 % of two workers' cores"),
        pytest.param(Verdict.PASS, 1.29, 1.0, 1, id="a little less"),
        pytest.param(Verdict.FAIL, 0.65, 0.5, 1, id="a limit of half a core is reached sooner"),
        pytest.param(Verdict.FAIL, 1.3, 1.0, 2, id="two workers share the limit of one pod"),
        pytest.param(Verdict.FAIL, 1.3, 8.0, 1, id="a worker is one loop on one core, however high the limit"),
        pytest.param(Verdict.FAIL, 1.3, None, 1, id="no limit: one core each"),
    ],
)
def test_worker_cpu(expected: Verdict, cpu_cores: float, cpu_limit: float | None, workers: int) -> None:
    """Utilization is measured against what a worker may use."""
    assert expected is workers_have_cpu(evidence(cpu_cores=cpu_cores, cpu_limit=cpu_limit, workers=workers)).verdict


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(Verdict.FAIL, {"pool_wait_mean_s": 0.025}, id="waits exactly a tenth of the objective"),
        pytest.param(Verdict.PASS, {"pool_wait_mean_s": 0.0249}, id="waits less than a tenth of the objective"),
        pytest.param(Verdict.FAIL, {"pool_limit": 6}, id="60 % are out"),
        pytest.param(Verdict.PASS, {"pool_limit": 7}, id="half the pool is free: the wait has another cause"),
        pytest.param(Verdict.FAIL, {"pool_acquisitions_rps": 180, "pool_wait_mean_s": 0.0125}, id="two short waits in a request add up"),
    ],
)
def test_pool(expected: Verdict, readings: dict[str, Any]) -> None:
    """A pool is starved when requests wait long and most of it is out."""
    assert expected is pool_is_not_starved(evidence(**readings)).verdict


def test_a_pool_that_is_no_knob_is_not_judged() -> None:
    """Without the knob its signals need not be there."""
    policy = a_policy(knobs={Knob.REPLICAS: Bounds(least=1, most=9)})
    seen = a_snapshot(absent={Signal.POOL_LIMIT: Absence.NO_SERIES})
    found = pool_is_not_starved(Evidence(seen=seen, here=a_configuration(), workload=a_workload(), policy=policy, query_floor_s=None))

    assert Verdict.UNKNOWN is found.verdict


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(Bottleneck.DATABASE_SATURATED, SATURATED | BLOCKED | BUSY, id="all at once: the database explains the rest"),
        pytest.param(Bottleneck.LOOP_BLOCKED, BLOCKED | BUSY, id="a blocked loop before CPU"),
        pytest.param(Bottleneck.WORKER_CPU, BUSY, id="CPU before the pool: a slow worker holds its connections longer"),
        pytest.param(Bottleneck.POOL_STARVED, {}, id="only the pool is left"),
        pytest.param(Bottleneck.LOOP_BLOCKED, BLOCKED, id="a pool that waits is a symptom of a blocked loop"),
        pytest.param(Bottleneck.DATABASE_SATURATED, SATURATED, id="a pool that waits is a symptom of a saturated database"),
        pytest.param(Bottleneck.UNKNOWN, {"pool_wait_mean_s": 0}, id="slow, and nothing explains it"),
        pytest.param(Bottleneck.NOTHING_WRONG, HEALTHY | SATURATED | BUSY, id="an objective that is met has no bottleneck"),
        pytest.param(Bottleneck.POOL_STARVED, {"latency_objective_s": 0.1, "errors_ratio": 0.02}, id="fast, but requests fail"),
    ],
)
def test_the_first_that_explains_it_is_named(expected: Bottleneck, readings: dict[str, Any]) -> None:
    """Database, loop, CPU, pool: what makes the others look ill comes first."""
    assert expected is diagnose(evidence(**readings)).bottleneck


def test_p5_everything_looked_at_is_told_in_order() -> None:
    """Four findings, each with its figures, and advice where one failed."""
    found: Diagnosis = diagnose(evidence(**SATURATED, **BLOCKED, **BUSY))

    order = [Bottleneck.DATABASE_SATURATED, Bottleneck.LOOP_BLOCKED, Bottleneck.WORKER_CPU, Bottleneck.POOL_STARVED]
    assert order == [finding.reason for finding in found.findings]
    assert all(finding.because and finding.advice for finding in found.findings)
    assert "p95 is" in found.because
    assert "70 ms against 35 ms" in found.because


def test_only_cpu_and_pool_are_cured_by_knobs() -> None:
    """More of anything does not unblock a loop, nor relieve a database."""
    assert {Bottleneck.WORKER_CPU, Bottleneck.POOL_STARVED} == TUNABLE


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
