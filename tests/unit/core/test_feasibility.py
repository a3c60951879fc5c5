"""Each constraint, exactly at its threshold and just beyond it."""

from dataclasses import replace
from typing import Any

import pytest

from apituner.core.configuration import Configuration
from apituner.core.demand import ServiceDemand
from apituner.core.feasibility import (
    LIMITS,
    NEEDS,
    Candidate,
    Cause,
    Constraint,
    cpu_has_headroom,
    first_violation,
    loops_have_headroom,
    objective_is_met,
    peak_fits_the_connection_budget,
    pool_rarely_makes_wait,
    workers_fit_the_memory,
)
from apituner.core.forecast import forecast
from apituner.core.policy import ConnectionLimit
from builders import a_configuration, a_policy, a_workload

MIB = 2.0**20
ORDERS = ServiceDemand(arrivals_rps=90, cpu_s=0.004, loop_s=0.004, acquisitions=1, hold_s=0.04, elsewhere_s=0.04, worker_bytes=90 * MIB)


def a_candidate(there: Configuration, *, here: Configuration | None = None, limit: int | None = 90) -> Candidate:
    """Return *there* seen from the starved configuration."""
    policy = a_policy(connection_limit=None if limit is None else ConnectionLimit(connections=limit, because="100 less 10"))
    here = here or a_configuration()
    found = forecast(there, here, ORDERS, policy, 1.0)
    return Candidate(here=here, there=there, demand=ORDERS, forecast=found, policy=policy, workload=a_workload())


def forecasting(**figures: Any) -> Candidate:  # noqa: ANN401 - any field of a Forecast
    """Return a candidate of which the model says *figures*."""
    candidate = a_candidate(a_configuration(pool_size=6))
    return replace(candidate, forecast=replace(candidate.forecast, **figures))


def cause(constraint: Constraint, candidate: Candidate) -> Cause | None:
    """Return what *candidate* breaks of *constraint*."""
    broken = constraint(candidate)
    return None if broken is None else broken.cause


@pytest.mark.parametrize(
    ("expected", "constraint", "candidate"),
    [
        pytest.param(None, cpu_has_headroom, forecasting(cpu_utilization=0.65), id="CPU just busy enough"),
        pytest.param(Cause.CPU, cpu_has_headroom, forecasting(cpu_utilization=0.651), id="CPU too busy"),
        pytest.param(None, loops_have_headroom, forecasting(loop_utilization=0.70), id="loops just busy enough"),
        pytest.param(Cause.LOOP, loops_have_headroom, forecasting(loop_utilization=0.701), id="loops too busy"),
        pytest.param(None, pool_rarely_makes_wait, forecasting(pool_waiting_ratio=0.05), id="one in twenty waits"),
        pytest.param(Cause.POOL, pool_rarely_makes_wait, forecasting(pool_waiting_ratio=0.051), id="more than one in twenty waits"),
        pytest.param(None, objective_is_met, forecasting(latency_s=0.2125), id="15 % below the objective"),
        pytest.param(Cause.OBJECTIVE, objective_is_met, forecasting(latency_s=0.2126), id="the headroom is touched"),
    ],
)
def test_needs(expected: Cause | None, constraint: Constraint, candidate: Candidate) -> None:
    """What an API needs, at the threshold and beyond."""
    assert expected is cause(constraint, candidate)


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
    ("expected", "workers", "worker_bytes", "limit_bytes"),
    [
        pytest.param(None, 2, 90 * MIB, 200 * MIB, id="exactly 90 % of the limit"),
        pytest.param(Cause.MEMORY, 2, 90 * MIB, 199 * MIB, id="a little more"),
        pytest.param(Cause.MEMORY, 2, None, 200 * MIB, id="unknown is not nought: no worker is added blindly"),
        pytest.param(None, 2, None, None, id="no limit: nothing to keep"),
        pytest.param(None, 1, 900 * MIB, 200 * MIB, id="as many workers as today fit as they do today"),
    ],
)
def test_memory(expected: Cause | None, workers: int, worker_bytes: float | None, limit_bytes: float | None) -> None:
    """The largest worker of today prices each of tomorrow."""
    candidate = replace(
        a_candidate(a_configuration(workers=workers)),
        demand=replace(ORDERS, worker_bytes=worker_bytes),
        workload=a_workload(memory_limit_bytes=limit_bytes),
    )

    assert expected is cause(workers_fit_the_memory, candidate)


def test_the_first_violation_is_told() -> None:
    """In the order in which a request meets them; every sentence carries both numbers."""
    candidate = forecasting(cpu_utilization=0.9, loop_utilization=0.9)
    broken = first_violation(candidate, NEEDS)

    assert broken is not None
    assert (broken.cause, broken.because) == (Cause.CPU, "CPU 90% busy, 65% is the most")
    assert first_violation(candidate, LIMITS) is None
