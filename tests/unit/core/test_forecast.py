"""The model: right at its limits, calibrated, and monotone, so that the solver may rely on it."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.core.calibration import Calibration
from apituner.core.configuration import Configuration
from apituner.core.demand import ServiceDemand
from apituner.core.forecast import Forecast, forecast
from apituner.core.laws import Usl, waiting_mean_s
from apituner.core.problem import Problem
from apituner.core.stations import connections_useful, stations
from builders import a_configuration, a_policy, a_workload
from problems import MIB, ORDERS, any_problems
from strategies import configurations

FAST = Calibration(factor=0.8)
SLOW_DATABASE = Usl(base_s=0.02, contention=0.05, coherency=0.002)
"""Its knee lies at 22 queries at once, where it completes 370 a second."""


def a_problem(demand: ServiceDemand = ORDERS, cores: float | None = 1.0, **changes: Any) -> Problem:  # noqa: ANN401 - any field of a Problem
    """Return the starved API's problem."""
    problem = Problem(
        here=a_configuration(), demand=demand, policy=a_policy(), workload=a_workload(cpu_limit_cores=cores), calibration=FAST
    )
    return replace(problem, **changes)


def of(there: Configuration, demand: ServiceDemand = ORDERS, cores: float | None = 1.0, **changes: Any) -> Forecast:  # noqa: ANN401
    """Forecast *there* from the starved configuration."""
    return forecast(a_problem(demand, cores, **changes), there)


def test_every_worker_is_a_queue_of_its_own() -> None:
    """Two pods of 45 requests per second each: 1.8 erlangs at a pool of 4, not 3.6 at one of 8."""
    found = of(a_configuration(pool_size=4))

    assert waiting_mean_s(1.8, 4, 0.04) == pytest.approx(found.pool_wait_s)
    assert pytest.approx((found.loop_utilization, found.cpu_utilization, found.pool_utilization)) == (0.18, 0.18, 1.8 / 4)
    assert pytest.approx(0.004 / 0.82 + 0.04 + found.pool_wait_s) == found.mean_s
    assert (found.connections, found.connections_at_peak, found.memory_bytes) == (8, 2 * (2 + 4), 90 * MIB)


def test_a_saturated_pool_has_no_latency_to_speak_of() -> None:
    """1.8 erlangs at a pool of 1: the queue grows without end, and everybody is slow."""
    found = of(a_configuration(pool_size=1))

    assert [math.inf] * 4 == [found.latency_s, found.mean_s, found.pool_wait_s, found.most_s]
    assert (found.pool_waiting_ratio, found.over_objective_ratio) == (1.0, 1.0)


def test_without_a_pool_nobody_waits_for_one() -> None:
    """An API that takes no connections is bound by loop and CPU alone."""
    found = of(a_configuration(pool_size=1), replace(ORDERS, acquisitions=0, hold_s=0))

    assert (found.pool_wait_s, found.pool_waiting_ratio, found.pool_utilization) == (0.0, 0.0, 0.0)
    assert pytest.approx(math.exp(-0.25 / (0.8 * found.mean_s))) == found.over_objective_ratio


def test_no_pods_serve_nobody() -> None:
    """Nought replicas is no division by zero."""
    found = of(a_configuration(replicas=0))

    assert [math.inf] * 3 == [found.cpu_utilization, found.loop_utilization, found.latency_s]


def test_what_takes_no_time_is_never_slow() -> None:
    """An API that does nothing at all is within every objective."""
    nothing = replace(ORDERS, cpu_s=0, loop_s=0, acquisitions=0, hold_s=0, elsewhere_s=0)

    assert (of(a_configuration(), nothing).latency_s, of(a_configuration(), nothing).over_objective_ratio) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("cpu", "loop", "workers", "cores"),
    [
        pytest.param(0.36 / 2, 0.36 / 2, 1, None, id="no limit: a core a worker"),
        pytest.param(0.36 / 4, 0.36 / 4, 2, 4.0, id="a limit beyond the workers is of no use"),
        pytest.param(0.36 / 1, 0.36 / 1, 2, 0.5, id="workers share a limit below their number, and each is slowed by it"),
    ],
)
def test_cpu_is_bound_by_workers_and_limit(cpu: float, loop: float, workers: int, cores: float | None) -> None:
    """A worker uses one core at most, a pod its limit."""
    found = of(a_configuration(workers=workers), cores=cores)

    assert (cpu, loop) == pytest.approx((found.cpu_utilization, found.loop_utilization))


def test_a_blocked_loop_needs_no_core() -> None:
    """Four workers on one core share what uses CPU, and block each for itself."""
    found = of(a_configuration(workers=4), replace(ORDERS, blocked_s=0.016))

    assert pytest.approx(45 * (0.004 + 0.016 / 4)) == found.loop_utilization


@pytest.mark.parametrize(
    ("extra_s", "burst_s"),
    [
        pytest.param(0.0, 0.0, id="length not known: as if exponential"),
        pytest.param(0.0, 0.02, id="twice what a request causes is just that"),
        pytest.param(45 * 0.01 * (0.2 - 0.02) / (2 * (1 - 45 * 0.014)), 0.2, id="200 ms for one request in twenty"),
    ],
)
def test_rare_long_blocks_make_the_longer_queue(extra_s: float, burst_s: float) -> None:
    """The part of E[b^2] that processor sharing leaves out, by Pollaczek and Khinchine."""
    at = stations(a_problem(replace(ORDERS, blocked_s=0.01, elsewhere_s=0.0), burst_s=burst_s))

    assert 0.014 / (1 - 45 * 0.014) + extra_s == pytest.approx(at.besides_the_pool_s(2, 1))


@pytest.mark.parametrize(
    ("expected", "factor"), [pytest.param(0.8 * math.log(20), 0.8, id="the prior"), pytest.param(0.5 * math.log(20), 0.5, id="learnt")]
)
def test_the_tail_is_the_calibrations(expected: float, factor: float) -> None:
    """The objective's percentile of all but the pool's queue is so many times its mean."""
    found = of(a_configuration(pool_size=20), calibration=Calibration(factor=factor))

    assert expected == pytest.approx(found.latency_s / found.mean_s, rel=1e-3)


def test_the_bounds_hold_the_forecast_and_narrow_with_what_is_seen() -> None:
    """One window leaves much open, a hundred and a calibrated tail little; a doubtful demand leaves much open however long it was seen."""
    there = a_configuration(pool_size=6)
    one = of(there)
    many = of(there, replace(ORDERS, windows=100), calibration=Calibration(factor=0.8, error=0.02))
    doubtful = of(there, replace(ORDERS, windows=100, relative_error=0.3))

    for found in (one, many, doubtful):
        assert found.least_s < found.latency_s < found.most_s
    widths = [found.most_s - found.least_s for found in (many, one, doubtful)]
    assert sorted(widths) == widths


def test_the_bounds_widen_near_saturation() -> None:
    """Nine tenths busy, a little more would be too much: the upper bound says so."""
    busy = replace(ORDERS, arrivals_rps=225, loop_s=0.008, cpu_s=0.008, acquisitions=0)

    assert math.inf == of(a_configuration(), busy).most_s
    assert math.isfinite(of(a_configuration(), busy).latency_s)


@pytest.mark.parametrize(
    ("expected", "worker_bytes", "base_bytes"),
    [
        pytest.param(None, None, 50 * MIB, id="a worker is not reported"),
        pytest.param(180 * MIB, 90 * MIB, 0.0, id="workers alone"),
        pytest.param(230 * MIB, 90 * MIB, 50 * MIB, id="beside what a pod needs anyway"),
    ],
)
def test_memory(expected: float | None, worker_bytes: float | None, base_bytes: float) -> None:
    """The memory of a pod, m0 + W * m_w."""
    assert expected == of(a_configuration(workers=2), replace(ORDERS, worker_bytes=worker_bytes), base_bytes=base_bytes).memory_bytes


QUERYING = replace(ORDERS, queries=1, query_s=SLOW_DATABASE.response_s(3), curve=SLOW_DATABASE)


def test_a_statement_takes_longer_as_the_load_grows() -> None:
    """The curve's own fixed point; the hold and all else that the statement is in grow with it."""
    base = a_problem(replace(QUERYING, arrivals_rps=3 / SLOW_DATABASE.response_s(3)))
    busier = stations(replace(base, demand=replace(base.demand, arrivals_rps=8 / SLOW_DATABASE.response_s(8))))
    longer_s = SLOW_DATABASE.response_s(8) - SLOW_DATABASE.response_s(3)

    assert (0.04, 0.04) == pytest.approx((stations(base).hold_s, stations(base).elsewhere_s))
    assert (0.04 + longer_s, 0.04 + longer_s) == pytest.approx((busier.hold_s, busier.elsewhere_s))


def test_what_others_ask_of_the_database_stays() -> None:
    """Nine at once of which three are ours: six of others, so the present is forecast as it is."""
    query_s = SLOW_DATABASE.response_s(9)
    at = stations(a_problem(replace(QUERYING, query_s=query_s, arrivals_rps=3 / query_s)))

    assert (0.04, 0.04) == pytest.approx((at.hold_s, at.elsewhere_s))


def test_a_pool_does_not_chase_its_own_queue() -> None:
    """60 statements at once where 22 are best: planned is the time that the same load needs below the knee."""
    congested_s = SLOW_DATABASE.response_s(60)
    at = stations(
        a_problem(replace(QUERYING, query_s=congested_s, hold_s=congested_s, elsewhere_s=congested_s, arrivals_rps=60 / congested_s))
    )
    running = SLOW_DATABASE.running(60 / congested_s)

    assert running is not None
    assert running < 22
    assert SLOW_DATABASE.response_s(running) == pytest.approx(at.hold_s)


def test_beyond_what_the_database_completes_the_hold_is_that_of_the_knee() -> None:
    """No latency holds then, but a pool can still be planned."""
    at = stations(a_problem(replace(QUERYING, query_s=0.2, hold_s=0.2, elsewhere_s=0.2, arrivals_rps=400)))

    assert (math.inf, SLOW_DATABASE.response_s(SLOW_DATABASE.knee)) == pytest.approx((at.elsewhere_s, at.hold_s))


@pytest.mark.parametrize(
    ("curve", "query_s"),
    [
        pytest.param(Usl(base_s=0.02, contention=0.5, coherency=0.0), 0.035, id="a top without a knee"),
        pytest.param(Usl(base_s=0.02, contention=0.0, coherency=0.0), 0.035, id="a time that the curve never reaches"),
    ],
)
def test_a_curve_without_a_knee_keeps_the_hold(curve: Usl, query_s: float) -> None:
    """Nothing is planned with a number that is not there."""
    at = stations(a_problem(replace(QUERYING, curve=curve, query_s=query_s, arrivals_rps=101)))

    assert at.hold_s <= 0.04


@pytest.mark.parametrize(
    "demand",
    [
        pytest.param(replace(QUERYING, curve=None), id="no curve"),
        pytest.param(replace(QUERYING, queries=0), id="no statements"),
        pytest.param(replace(QUERYING, query_s=0), id="statements of no time"),
    ],
)
def test_without_a_curve_statements_take_what_they_take(demand: ServiceDemand) -> None:
    """What is not known is not extrapolated."""
    at = stations(a_problem(replace(demand, arrivals_rps=1000)))

    assert (at.hold_s, at.elsewhere_s) == (0.04, 0.04)


def test_statements_outside_the_hold_change_no_hold() -> None:
    """A hold of no time has no statement in it."""
    assert stations(a_problem(replace(QUERYING, hold_s=0.0, arrivals_rps=200))).hold_s == 0.0


@pytest.mark.parametrize(
    ("expected", "demand"),
    [
        pytest.param(math.inf, ORDERS, id="an unknown knee forbids nothing"),
        pytest.param(21.79, replace(QUERYING, query_s=0.04), id="held for no longer than busy: the knee"),
        pytest.param(21.79 * 1.25, replace(QUERYING, query_s=0.032), id="held for a quarter longer"),
        pytest.param(21.79 * 1.5, replace(QUERYING, query_s=0.01), id="held for four times as long: no more than half as many again"),
        pytest.param(21.79, replace(QUERYING, query_s=0.4), id="held for less than its statements: they run at once"),
        pytest.param(21.79, replace(QUERYING, queries=0), id="no statements: the knee"),
    ],
)
def test_connections_useful(expected: float, demand: ServiceDemand) -> None:
    """The knee, by how much longer a connection is held than it is busy."""
    assert expected == pytest.approx(connections_useful(demand), rel=1e-3)


@given(any_problems(), configurations())
def test_the_share_of_the_slow_fits_the_percentile(problem: Problem, there: Configuration) -> None:
    """As many are slower than the forecast percentile as the percentile says."""
    at = stations(problem)
    shape = (there.replicas, there.workers, there.pool_limit)
    latency_s = at.latency_s(*shape)
    if at.tail <= 1 or math.isinf(latency_s) or latency_s < 1e-9:
        return

    assert 1 - at.share == pytest.approx(at.slower_ratio(*shape, latency_s), rel=1e-6)
    assert at.slower_ratio(*shape, 2 * latency_s) < 1 - at.share < at.slower_ratio(*shape, latency_s / 2)


@given(any_problems(), configurations(), st.floats(1, 5))
def test_more_load_never_forecasts_better(problem: Problem, there: Configuration, factor: float) -> None:
    """The forecast grows with what comes."""
    less = forecast(problem, there)
    more = forecast(replace(problem, demand=replace(problem.demand, arrivals_rps=problem.demand.arrivals_rps * factor)), there)

    assert less.latency_s <= more.latency_s * (1 + 1e-9)
    assert less.over_objective_ratio <= more.over_objective_ratio + 1e-9
    assert less.pool_waiting_ratio <= more.pool_waiting_ratio + 1e-9


@given(any_problems(), configurations())
def test_a_forecast_lies_within_its_bounds(problem: Problem, there: Configuration) -> None:
    """Whatever the problem; and no figure is anything but a number."""
    found = forecast(problem, there)

    assert found.least_s <= found.latency_s <= found.most_s
    figures = [found.mean_s, found.latency_s, found.least_s, found.most_s, found.over_objective_ratio, found.pool_wait_s]
    assert not any(math.isnan(figure) or figure < 0 for figure in figures)
