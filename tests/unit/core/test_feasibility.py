"""Each constraint, exactly at its threshold and just beyond it."""

from dataclasses import replace
from typing import Any

import pytest

from apituner.core.calibration import Calibration
from apituner.core.configuration import Configuration
from apituner.core.demand import ServiceDemand
from apituner.core.feasibility import (
    LIMITS,
    NEEDS,
    Candidate,
    Cause,
    Constraint,
    connections_most,
    cpu_has_headroom,
    database_keeps_up,
    database_serves_the_connections,
    first_violation,
    loops_have_headroom,
    objective_is_met,
    peak_fits_the_connection_budget,
    pods_least,
    pool_rarely_makes_wait,
    violations,
    workers_fit_the_memory,
    workers_have_cores,
)
from apituner.core.laws import Usl
from apituner.core.policy import ConnectionLimit, Objective
from apituner.core.problem import Problem
from apituner.core.stations import stations
from builders import a_configuration, a_policy, a_workload
from problems import MIB, ORDERS

DATABASE = Usl(base_s=0.02, contention=0.05, coherency=0.002)
"""Its knee lies at 21.8 queries at once."""


def a_candidate(
    there: Configuration | None = None,
    *,
    here: Configuration | None = None,
    limit: int | None = 90,
    demand: ServiceDemand = ORDERS,
    workload: dict[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - any other field of a Problem
) -> Candidate:
    """Return *there* seen from the starved configuration."""
    policy = a_policy(connection_limit=None if limit is None else ConnectionLimit(connections=limit, because="100 less 10"))
    here = here or a_configuration()
    problem = Problem(here=here, demand=demand, policy=policy, workload=a_workload(here, **(workload or {})))
    problem = replace(problem, **changes)
    return Candidate(problem=problem, stations=stations(problem), there=there or a_configuration(pool_size=6))


def asking(**changes: Any) -> Candidate:  # noqa: ANN401 - any field of a ServiceDemand
    """Return a candidate of two pods to which a demand with *changes* comes."""
    return a_candidate(demand=replace(ORDERS, **changes))


def within(milliseconds: float) -> Candidate:
    """Return a candidate of an API without a pool that takes 50 ms on average, so 120 at p95; the objective is *milliseconds*."""
    demand = replace(ORDERS, cpu_s=0, loop_s=0, acquisitions=0, elsewhere_s=0.05)
    found = a_candidate(demand=demand, calibration=Calibration(factor=2.4 / 2.995732273553991))
    policy = replace(found.problem.policy, objective=Objective(percentile=95, latency_s=milliseconds / 1e3, error_ratio=0.01))
    return replace(found, problem=replace(found.problem, policy=policy))


def cause(constraint: Constraint, candidate: Candidate) -> Cause | None:
    """Return what *candidate* breaks of *constraint*."""
    broken = constraint(candidate)
    return None if broken is None else broken.cause


@pytest.mark.parametrize(
    ("expected", "constraint", "candidate"),
    [
        pytest.param(None, cpu_has_headroom, asking(arrivals_rps=100, cpu_s=0.01299), id="CPU just busy enough"),
        pytest.param(Cause.CPU, cpu_has_headroom, asking(arrivals_rps=100, cpu_s=0.01301), id="CPU too busy"),
        pytest.param(None, loops_have_headroom, asking(arrivals_rps=100, loop_s=0.01399), id="loops just busy enough"),
        pytest.param(Cause.LOOP, loops_have_headroom, asking(arrivals_rps=100, loop_s=0.01401), id="loops too busy"),
        pytest.param(
            Cause.LOOP, loops_have_headroom, asking(arrivals_rps=100, loop_s=0.01, blocked_s=0.00401), id="loops blocked too long"
        ),
        pytest.param(None, pool_rarely_makes_wait, asking(arrivals_rps=126.5), id="one in twenty waits"),
        pytest.param(Cause.POOL, pool_rarely_makes_wait, asking(arrivals_rps=126.6), id="more than one in twenty waits"),
        pytest.param(None, objective_is_met, within(141.2), id="15 % below the objective"),
        pytest.param(Cause.OBJECTIVE, objective_is_met, within(141.1), id="the headroom is touched"),
    ],
)
def test_needs(expected: Cause | None, constraint: Constraint, candidate: Candidate) -> None:
    """What an API needs, at the threshold and beyond."""
    assert expected is cause(constraint, candidate)


@pytest.mark.parametrize(
    ("expected", "rps", "curve"),
    [
        pytest.param(None, 369, DATABASE, id="just what the database completes"),
        pytest.param(Cause.DATABASE, 371, DATABASE, id="a little more"),
        pytest.param(None, 371, None, id="nobody knows what it completes"),
    ],
)
def test_the_database_keeps_up(expected: Cause | None, rps: float, curve: Usl | None) -> None:
    """No knob makes a database faster."""
    demand = replace(ORDERS, arrivals_rps=rps, queries=1, query_s=DATABASE.response_s(5), curve=curve)
    broken = database_keeps_up(a_candidate(demand=demand))

    assert expected is (broken and broken.cause)
    assert broken is None or broken.because == "371 queries per second are asked for, the database completes 370 at most"


@pytest.mark.parametrize(
    ("expected", "there", "here", "limit"),
    [
        pytest.param(None, a_configuration(pool_size=10), None, 24, id="exactly the limit at the peak"),
        pytest.param(Cause.CONNECTION_BUDGET, a_configuration(pool_size=10), None, 23, id="one connection short"),
        pytest.param(None, a_configuration(pool_size=99), None, None, id="no budget: no limit"),
        pytest.param(None, a_configuration(4), a_configuration(4), 1, id="to stay opens no connection"),
        pytest.param(None, a_configuration(2), a_configuration(4), 1, id="to give up pods opens no connection"),
        pytest.param(Cause.CONNECTION_BUDGET, a_configuration(4), a_configuration(3), 7, id="a pod more does"),
        pytest.param(
            Cause.CONNECTION_BUDGET,
            a_configuration(4, pool_size=1),
            a_configuration(4),
            8,
            id="a smaller pool is rolled out beside the larger one",
        ),
    ],
)
def test_p2_peak_fits(expected: Cause | None, there: Configuration, here: Configuration | None, limit: int | None) -> None:
    """The budget holds at the peak of the rollout, not only after it."""
    assert expected is cause(peak_fits_the_connection_budget, a_candidate(there, here=here, limit=limit))


@pytest.mark.parametrize(
    ("expected", "pool", "curve"),
    [
        pytest.param(None, 10, DATABASE, id="20 connections, the knee at 21.8"),
        pytest.param(Cause.DATABASE, 11, DATABASE, id="22 are one too many"),
        pytest.param(None, 99, None, id="an unknown knee forbids nothing"),
        pytest.param(None, 99, replace(DATABASE, coherency=0.0), id="a database without a knee forbids nothing"),
    ],
)
def test_the_database_serves_the_connections(expected: Cause | None, pool: int, curve: Usl | None) -> None:
    """Pools let no more into the database than it serves well."""
    demand = replace(ORDERS, queries=1, query_s=0.04, curve=curve)

    assert expected is cause(database_serves_the_connections, a_candidate(a_configuration(pool_size=pool), demand=demand))


@pytest.mark.parametrize(
    ("expected", "workers", "worker_bytes", "limit_bytes", "base_bytes"),
    [
        pytest.param(None, 2, 90 * MIB, 200 * MIB, 0.0, id="exactly 90 % of the limit"),
        pytest.param(Cause.MEMORY, 2, 90 * MIB, 199 * MIB, 0.0, id="a little more"),
        pytest.param(Cause.MEMORY, 2, 90 * MIB, 200 * MIB, 1.0, id="what the pod needs anyway counts"),
        pytest.param(Cause.MEMORY, 2, None, 200 * MIB, 0.0, id="unknown is not nought: no worker is added blindly"),
        pytest.param(None, 2, None, None, 0.0, id="no limit: nothing to keep"),
        pytest.param(None, 1, 900 * MIB, 200 * MIB, 0.0, id="as many workers as today fit as they do today"),
    ],
)
def test_memory(expected: Cause | None, workers: int, worker_bytes: float | None, limit_bytes: float | None, base_bytes: float) -> None:
    """The largest worker of today prices each of tomorrow."""
    candidate = a_candidate(
        a_configuration(workers=workers),
        demand=replace(ORDERS, worker_bytes=worker_bytes),
        workload={"memory_limit_bytes": limit_bytes},
        base_bytes=base_bytes,
    )

    assert expected is cause(workers_fit_the_memory, candidate)


@pytest.mark.parametrize(
    ("expected", "workers", "cores", "blocked_s", "here"),
    [
        pytest.param(None, 2, 2.0, 0.0, 1, id="a core each"),
        pytest.param(None, 2, 1.5, 0.0, 1, id="the last of them may have part of one"),
        pytest.param(Cause.CPU, 2, 1.0, 0.0, 1, id="two on one core"),
        pytest.param(None, 2, None, 0.0, 1, id="no limit"),
        pytest.param(None, 4, 1.0, 0.0, 4, id="as many as today may stay"),
        pytest.param(None, 3, 1.0, 0.008, 1, id="two stand blocked while one runs"),
        pytest.param(Cause.CPU, 4, 1.0, 0.008, 1, id="and one more would wait for the core"),
    ],
)
def test_workers_have_cores(expected: Cause | None, workers: int, cores: float | None, blocked_s: float, here: int) -> None:
    """Throttling is not bought."""
    candidate = a_candidate(
        a_configuration(workers=workers),
        here=a_configuration(workers=here),
        demand=replace(ORDERS, blocked_s=blocked_s),
        workload={"cpu_limit_cores": cores},
    )

    assert expected is cause(workers_have_cores, candidate)


def test_workers_that_use_no_cpu_share_none() -> None:
    """Nothing is divided by nought."""
    assert cause(workers_have_cores, a_candidate(a_configuration(workers=4), demand=replace(ORDERS, cpu_s=0.0))) is None


def test_the_first_violation_is_told() -> None:
    """In the order in which a request meets them; every sentence carries both numbers."""
    candidate = asking(cpu_s=0.02, loop_s=0.02)
    broken = first_violation(candidate, NEEDS)

    assert broken is not None
    assert (broken.cause, broken.because) == (Cause.CPU, "CPU 90% busy, 65% is the most")
    assert [Cause.CPU, Cause.LOOP] == [one.cause for one in violations(candidate, NEEDS)][:2]
    assert first_violation(candidate, LIMITS) is None


@pytest.mark.parametrize(
    ("expected", "demand"),
    [
        pytest.param(2.0, {"arrivals_rps": 100.0, "cpu_s": 0.013, "loop_s": 0.001}, id="CPU"),
        pytest.param(2.0, {"arrivals_rps": 100.0, "cpu_s": 0.001, "loop_s": 0.014}, id="loops"),
        pytest.param(2.0, {"arrivals_rps": 100.0, "cpu_s": 0.001, "loop_s": 0.004, "blocked_s": 0.010}, id="blocked loops"),
    ],
)
def test_pods_least(expected: float, demand: dict[str, Any]) -> None:
    """Below it CPU or loops are too busy whatever the pool."""
    assert expected == pytest.approx(pods_least(a_candidate(demand=replace(ORDERS, **demand)).stations, 1))


@pytest.mark.parametrize(
    ("expected", "limit", "here", "curve"),
    [
        pytest.param(float("inf"), None, 2, None, id="no limit"),
        pytest.param(90, 90, 2, None, id="the budget"),
        pytest.param(198, 90, 99, None, id="those of today, where they are more"),
        pytest.param(DATABASE.knee, 90, 2, DATABASE, id="the knee, where it is less"),
    ],
)
def test_connections_most(expected: float, limit: int | None, here: int, curve: Usl | None) -> None:
    """Beyond it a limit is broken for certain."""
    demand = replace(ORDERS, queries=1, query_s=0.04, curve=curve)
    candidate = a_candidate(here=a_configuration(pool_size=here), limit=limit, demand=demand)

    assert expected == pytest.approx(connections_most(candidate.problem))
