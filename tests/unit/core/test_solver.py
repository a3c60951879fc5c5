"""The answer: inside bounds and budget, explained, and steady; and what is said where there is none."""

import math
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apituner.core.configuration import Configuration, Knob, connections_at_peak
from apituner.core.demand import ServiceDemand
from apituner.core.feasibility import Cause
from apituner.core.laws import Usl
from apituner.core.policy import Bounds, ConnectionLimit, Objective
from apituner.core.problem import Problem
from apituner.core.solver import Solution, Unsolvable, solve
from builders import a_configuration, a_policy, a_workload
from problems import MIB, ORDERS, any_problems


def a_problem(here: Configuration | None = None, demand: ServiceDemand = ORDERS, **policy: object) -> Problem:
    """Return the starved API's problem."""
    return Problem(here=here or a_configuration(), demand=demand, policy=a_policy(**policy), workload=a_workload(here))


def solved(problem: Problem, recommended: Configuration | None = None) -> Solution:
    """Return the solution of a problem that has one."""
    answer = solve(problem, recommended=recommended)
    assert isinstance(answer, Solution)
    return answer


def knobs(replicas: tuple[int, int] = (2, 12), workers: tuple[int, int] = (1, 1), pool: tuple[int, int] = (2, 30)) -> dict[Knob, Bounds]:
    """Return all three knobs with these bounds."""
    return {knob: Bounds(least=least, most=most) for knob, (least, most) in zip(Knob, (replicas, workers, pool), strict=True)}


def test_the_starved_pool_gets_connections_not_pods() -> None:
    """1.8 erlangs a worker need a pool of 5 for one wait in twenty; pods would cost a hundred times as much."""
    answer = solved(a_problem())

    assert (answer.target.replicas, answer.target.workers, answer.target.max_overflow) == (2, 1, 0)
    assert 4 <= answer.target.pool_size <= 7
    assert answer.forecast.latency_s < 0.2125
    assert "the least that gives p95" in answer.because


@settings(max_examples=1000)
@given(any_problems(), st.data())
def test_p3_never_outside_the_bounds(problem: Problem, data: st.DataObject) -> None:
    """Every named knob stays within its bounds, overflow included; every other stays as it is; a stale recommendation changes nothing."""
    stale = data.draw(
        st.none() | st.builds(Configuration, replicas=st.integers(1, 9), workers=st.integers(1, 9), pool_size=st.integers(1, 20))
    )
    answer = solve(problem, recommended=stale)

    assert isinstance(answer, Unsolvable) or problem.allows(answer.target)


@settings(max_examples=1000)
@given(any_problems(), st.data())
def test_p2_never_over_the_connection_limit_at_the_peak(problem: Problem, data: st.DataObject) -> None:
    """The way there fits, unless it opens no connection at all."""
    stale = data.draw(
        st.none() | st.builds(Configuration, replicas=st.integers(1, 9), workers=st.integers(1, 9), pool_size=st.integers(1, 20))
    )
    answer, limit = solve(problem, recommended=stale), problem.policy.connection_limit
    if isinstance(answer, Unsolvable) or limit is None:
        return
    engines = problem.policy.engines_per_worker

    peak = connections_at_peak(problem.here, answer.target, engines)
    assert peak <= max(limit.connections, problem.here.connections(engines))
    assert peak == answer.forecast.connections_at_peak


@given(any_problems())
def test_p5_every_rejected_alternative_says_why(problem: Problem) -> None:
    """At most five, none twice, never the answer itself, each with its reason."""
    answer = solve(problem)
    fallen = [alternative.configuration for alternative in answer.rejected]

    assert len(fallen) == len(set(fallen)) <= 5
    assert all(alternative.because for alternative in answer.rejected)
    if isinstance(answer, Solution):
        assert answer.target not in fallen


def test_a_recommendation_is_kept_while_it_is_nearly_as_cheap() -> None:
    """Noise moves the least pool by one; the recommendation does not follow."""
    best = solved(a_problem()).target
    larger = replace(best, pool_size=best.pool_size + 2)

    assert larger == solved(a_problem(), larger).target


@pytest.mark.parametrize(
    "stale",
    [
        pytest.param(a_configuration(replicas=3, pool_size=5), id="dearer by more than a tenth"),
        pytest.param(a_configuration(pool_size=3), id="no longer sufficient"),
        pytest.param(a_configuration(replicas=1, pool_size=12), id="no longer within the bounds"),
        pytest.param(a_configuration(pool_size=5, max_overflow=1), id="with an overflow that we set to 0"),
    ],
)
def test_a_recommendation_is_dropped(stale: Configuration) -> None:
    """What was good once has no right of its own."""
    assert solved(a_problem()).target == solved(a_problem(), stale).target


def test_a_recommendation_that_no_longer_fits_the_budget_is_dropped() -> None:
    """A limit that fell in between binds the old answer too."""
    best = solved(a_problem()).target
    larger = replace(best, pool_size=best.pool_size + 2)
    tight = ConnectionLimit(connections=connections_at_peak(a_configuration(), larger, 1) - 1, because="less than before")

    assert best == solved(a_problem(connection_limit=tight), larger).target


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        pytest.param(
            Cause.CONNECTION_BUDGET,
            a_problem(connection_limit=ConnectionLimit(connections=5, because="95 held by others")),
            id="the budget",
        ),
        pytest.param(Cause.POOL, a_problem(knobs=knobs(replicas=(2, 2), pool=(2, 3))), id="the bound of the pool"),
        pytest.param(Cause.CPU, a_problem(demand=replace(ORDERS, cpu_s=0.2)), id="CPU"),
        pytest.param(Cause.LOOP, a_problem(demand=replace(ORDERS, cpu_s=0.001, loop_s=0.2)), id="loops"),
        pytest.param(Cause.OBJECTIVE, a_problem(demand=replace(ORDERS, elsewhere_s=0.5)), id="time that no knob shortens"),
        pytest.param(
            Cause.MEMORY,
            replace(
                a_problem(demand=replace(ORDERS, loop_s=0.010, worker_bytes=400 * MIB), knobs=knobs(replicas=(2, 2), workers=(2, 2))),
                workload=a_workload(cpu_limit_cores=2.0),
            ),
            id="memory",
        ),
    ],
)
def test_p12_the_binding_cause_is_named(expected: Cause, problem: Problem) -> None:
    """When nothing within the bounds will do, what stands in the way is said."""
    answer = solve(problem)

    assert isinstance(answer, Unsolvable)
    assert expected is answer.cause
    assert answer.because


def test_p12_what_would_do_is_named_with_what_forbids_it() -> None:
    """A person who decides about the budget sees what it would buy."""
    answer = solve(a_problem(connection_limit=ConnectionLimit(connections=12, because="100 less 88 held by others")))

    assert isinstance(answer, Unsolvable)
    assert "would do, but: " in answer.because
    assert "100 less 88 held by others" in answer.because


def test_p3_bounds_of_a_pool_count_its_overflow() -> None:
    """An overflow that is not ours to set leaves the rest of the bounds to the size."""
    here = a_configuration(pool_size=1, max_overflow=2)
    bounded = a_problem(here, knobs=knobs(replicas=(2, 2), pool=(2, 6)), sets_overflow=False)

    answer = solved(bounded)
    assert (answer.target.pool_limit <= 6, answer.target.max_overflow) == (True, 2)


def test_p12_an_overflow_beyond_the_bounds_is_no_crash() -> None:
    """Where no size is left beside the overflow, the way out is named."""
    answer = solve(a_problem(a_configuration(max_overflow=40), sets_overflow=False))

    assert isinstance(answer, Unsolvable)
    assert (answer.cause, "overflowEnv" in answer.because) == (Cause.POOL, True)


def test_an_overflow_that_is_ours_becomes_size() -> None:
    """The whole pool is set as size, the overflow as 0."""
    assert solved(a_problem(a_configuration(max_overflow=1))).target.max_overflow == 0


def test_staying_costs_nothing() -> None:
    """A configuration that suffices is kept before one that is a connection cheaper."""
    here = replace(solved(a_problem()).target, pool_size=8)

    assert here == solved(a_problem(here)).target


def test_p10_wide_bounds_are_searched_quickly() -> None:
    """A latency that no pool shortens is not tried with every pool: 320 000 configurations, far less than a second."""
    wide = knobs(replicas=(1, 100), workers=(1, 16), pool=(1, 200))
    objective = Objective(percentile=99, latency_s=0.25, error_ratio=0.01)
    problem = a_problem(demand=replace(ORDERS, elsewhere_s=0.5), knobs=wide, objective=objective)
    began = time.process_time()

    assert isinstance(solve(problem), Unsolvable)
    assert time.process_time() - began < 0.5


def test_p12_where_everything_breaks_a_limit_too_the_limit_is_told() -> None:
    """Outside its bounds an API cannot even stay as it is: what is forbidden comes before what is needed."""
    none_at_all = ConnectionLimit(connections=1, because="99 held by others")
    answer = solve(a_problem(a_configuration(1), replace(ORDERS, cpu_s=0.2), connection_limit=none_at_all))

    assert isinstance(answer, Unsolvable)
    assert (answer.cause, "99 held by others" in answer.because) == (Cause.CONNECTION_BUDGET, True)


def because(answer: Solution | Unsolvable, there: Configuration) -> str:
    """Return why *there* fell."""
    return next(one.because for one in answer.rejected if one.configuration == there)


def test_p5_a_connection_less_says_why_it_fell() -> None:
    """Had it sufficed, it had been the answer."""
    answer = solved(a_problem())

    assert "would wait for a connection" in because(answer, replace(answer.target, pool_size=answer.target.pool_size - 1))


def test_p5_a_pod_less_says_why_it_fell() -> None:
    """Where the pool is as small as it may be."""
    answer = solved(a_problem(a_configuration(4, pool_size=8), replace(ORDERS, cpu_s=0.025), knobs=knobs(pool=(8, 8))))

    assert (4, "CPU 75% busy, 65% is the most") == (answer.target.replicas, because(answer, a_configuration(3, pool_size=8)))


def test_p5_the_least_of_all_has_no_cheaper_one() -> None:
    """Nothing is made up for the list."""
    answer = solved(a_problem(a_configuration(3), replace(ORDERS, arrivals_rps=1)))

    assert a_configuration(2) == answer.target
    assert all(one.configuration.replicas >= 2 for one in answer.rejected)


def test_p5_what_is_dearer_tells_the_difference() -> None:
    """The largest pool would do as well, for 25 connections more in each of two pods."""
    assert because(solved(a_problem()), a_configuration(pool_size=30)) == "would do, at the price of 0.1 cores more"


def test_p5_what_is_cheaper_than_a_recommendation_that_is_kept_says_so() -> None:
    """The difference is named, and too small for another recommendation."""
    best = solved(a_problem()).target
    kept = replace(best, pool_size=best.pool_size + 1)

    said = because(solved(a_problem(), kept), best)
    assert said == "would do and save 0.004 cores, too little to give up processes or what was recommended"


def test_p5_what_would_do_beyond_the_bounds_says_so() -> None:
    """Today's pool is larger than the spec allows, and the bounds are the spec's to set."""
    here = a_configuration(pool_size=40)

    assert because(solved(a_problem(here, connection_limit=None)), here) == "would do, but is outside the bounds of the spec"


def test_p12_the_best_that_is_within_reach_is_told() -> None:
    """At most twelve connections at the peak are four more than today's: a pool of 4 in each of two pods."""
    allowed = ConnectionLimit(connections=12, because="100 less 88 held by others")
    answer = solve(a_problem(connection_limit=allowed, knobs=knobs(replicas=(2, 2))))

    assert isinstance(answer, Unsolvable)
    assert answer.reachable_s is not None
    assert pytest.approx(0.125, abs=0.001) == answer.reachable_s
    assert answer.because.endswith(f"the least p95 within reach is {answer.reachable_s * 1e3:.0f} ms")


def test_p12_where_all_that_is_allowed_is_saturated_it_is_said() -> None:
    """5.4 erlangs, and four connections at most."""
    answer = solve(a_problem(demand=replace(ORDERS, arrivals_rps=135), connection_limit=ConnectionLimit(connections=5, because="95 held")))

    assert isinstance(answer, Unsolvable)
    assert math.inf == answer.reachable_s
    assert answer.because.endswith("nothing within reach keeps up with the load")


def test_p12_where_nothing_is_allowed_there_is_no_figure() -> None:
    """A spec that asks for more workers than fit the memory leaves nothing."""
    problem = a_problem(knobs=knobs(workers=(6, 8)))
    answer = solve(problem)

    assert isinstance(answer, Unsolvable)
    assert (Cause.MEMORY, None) == (answer.cause, answer.reachable_s)


def test_p12_the_database_that_cannot_keep_up_is_named() -> None:
    """More is asked of it than it completes: no knob helps."""
    curve = Usl(base_s=0.02, contention=0.05, coherency=0.002)
    answer = solve(a_problem(demand=replace(ORDERS, arrivals_rps=400, queries=1, query_s=0.03, curve=curve)))

    assert isinstance(answer, Unsolvable)
    assert (Cause.DATABASE, True) == (answer.cause, "the database completes 370 at most" in answer.because)


def test_a_recommendation_keeps_its_pods_while_its_pool_follows() -> None:
    """Twelve pods where eleven would do: within a tenth, and of the pool only what is needed now."""
    demand = replace(ORDERS, arrivals_rps=1100, cpu_s=0.006, loop_s=0.006, hold_s=0.01)
    problem = a_problem(a_configuration(6, pool_size=3), demand, knobs=knobs(replicas=(2, 20)), connection_limit=None)
    best = solved(problem).target
    last = replace(best, replicas=best.replicas + 1, pool_size=best.pool_size + 5)

    kept = solved(problem, last).target
    assert (last.replicas, True) == (kept.replicas, kept.pool_size <= best.pool_size)


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(a_configuration(10, pool_size=2), id="fewer processes than the answer"),
        pytest.param(a_configuration(11, workers=2, pool_size=4), id="workers that are not allowed"),
        pytest.param(a_configuration(14, pool_size=4), id="dearer by more than a tenth"),
        pytest.param(a_configuration(30, pool_size=4), id="pods that are not allowed"),
    ],
)
def test_a_recommendation_of_other_pods_is_dropped(last: Configuration) -> None:
    """It has no right of its own."""
    demand = replace(ORDERS, arrivals_rps=1100, cpu_s=0.006, loop_s=0.006, hold_s=0.01)
    problem = a_problem(a_configuration(6, pool_size=3), demand, knobs=knobs(replicas=(2, 20)), connection_limit=None)

    assert solved(problem).target == solved(problem, last).target


def test_a_recommendation_that_no_longer_suffices_whatever_its_pool_is_dropped() -> None:
    """As many processes as the answer in fewer pods, of which the CPU is the limit."""
    cores = a_workload(a_configuration(2, 2, 6), cpu_limit_cores=1.5)
    here = a_configuration(2, 2, 6)
    problem = a_problem(here, replace(ORDERS, cpu_s=0.02), knobs=knobs(replicas=(1, 4), workers=(1, 4)))
    problem = replace(problem, workload=cores)

    assert solved(problem).target == solved(problem, a_configuration(1, 4, 6)).target


def test_a_recommendation_that_no_longer_fits_in_any_form_is_dropped() -> None:
    """A pod more than the answer, which the connection limit forbids whatever its pool."""
    demand = replace(ORDERS, arrivals_rps=1000, cpu_s=0.006, loop_s=0.006, hold_s=0.01)
    here = a_configuration(10, pool_size=5)
    problem = a_problem(here, demand, knobs=knobs(replicas=(2, 20)), connection_limit=ConnectionLimit(connections=50, because="half"))

    assert here == solved(problem).target
    assert here == solved(problem, replace(here, replicas=11)).target


def test_p10_a_limit_that_binds_is_searched_quickly_too() -> None:
    """320 000 configurations of which the connections forbid nearly all: neither the answer nor what is within reach tries them."""
    wide = knobs(replicas=(1, 100), workers=(1, 16), pool=(1, 200))
    demand = replace(ORDERS, arrivals_rps=900, hold_s=0.1)
    here = a_configuration(10, 1, 9)
    problem = replace(
        a_problem(here, demand, knobs=wide, connection_limit=ConnectionLimit(connections=130, because="half")),
        workload=a_workload(here, cpu_limit_cores=None, memory_limit_bytes=None),
    )
    began = time.process_time()

    assert isinstance(solve(problem), Unsolvable)
    assert time.process_time() - began < 0.5
