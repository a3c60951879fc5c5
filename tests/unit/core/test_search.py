"""The answer is the one that trying everything would find; and what it rests on holds of the model."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from apituner.core.configuration import Configuration, Knob
from apituner.core.costs import price
from apituner.core.feasibility import LIMITS, NEEDS, OF_WORKERS, Candidate, first_violation, suffices
from apituner.core.policy import Bounds, ConnectionLimit
from apituner.core.problem import Problem
from apituner.core.solver import Solution, Unsolvable, solve, solve_replicas
from apituner.core.stations import stations
from builders import a_configuration
from problems import ORDERS, a_problem, any_problems

THOROUGH = settings(max_examples=1000)
LESS = settings(max_examples=300)


def any_configuration(data: st.DataObject, problem: Problem) -> Configuration:
    """Draw one that the spec allows."""
    every = list(everything(problem)) or [problem.here]
    return every[data.draw(st.integers(0, len(every) - 1))]


def everything(problem: Problem) -> Iterator[Configuration]:
    """Yield all that the spec allows, apart from the solver: a knob that is not named stays, bounds of a pool count overflow."""
    here, named = problem.here, problem.policy.knobs

    def span(knob: Knob, now: int) -> range:
        return range(named[knob].least, named[knob].most + 1) if knob in named else range(now, now + 1)

    overflow = 0 if problem.policy.sets_overflow and Knob.POOL in named else here.max_overflow
    for replicas, workers, limit in product(
        span(Knob.REPLICAS, here.replicas), span(Knob.WORKERS, here.workers), span(Knob.POOL, here.pool_limit)
    ):
        if limit > overflow:
            yield Configuration(replicas=replicas, workers=workers, pool_size=limit - overflow, max_overflow=overflow)


def as_seen(problem: Problem, there: Configuration) -> Candidate:
    """Return *there* as the constraints see it."""
    return Candidate(problem=problem, stations=stations(problem), there=there)


def by_trying_everything(problem: Problem) -> Configuration | None:
    """
    Return the cheapest configuration without a violation, among equals the fastest and then the smallest.

    It has at least as many processes as any that more load has outgrown: one that fails whatever its pool, in pods with more workers than
    cores; unless limits leave no other.
    """
    all_of_it = list(everything(problem))
    if not all_of_it:
        return None
    at = stations(problem)
    largest, cores = max(there.pool_limit for there in all_of_it), problem.workload.cpu_limit_cores or math.inf
    owed, feasible = 0, []
    for there in all_of_it:
        one = Candidate(problem=problem, stations=at, there=there)
        if there.workers > cores and there.pool_limit == largest and not first_violation(one, OF_WORKERS) and first_violation(one, NEEDS):
            owed = max(owed, there.replicas * there.workers)
        if not first_violation(one, (*LIMITS, *NEEDS)):
            feasible.append(there)
    enough = [there for there in feasible if there.replicas * there.workers >= owed] or feasible

    def key(there: Configuration) -> tuple[object, ...]:
        latency_s = at.latency_s(there.replicas, there.workers, there.pool_limit)
        return (*price(problem, there), latency_s, there.replicas, there.workers, there.pool_limit)

    return min(enough, key=key, default=None)


def least_within_limits(problem: Problem) -> float | None:
    """Return the least latency of all that no limit forbids."""
    at = stations(problem)
    allowed = [there for there in everything(problem) if first_violation(as_seen(problem, there), LIMITS) is None]
    return min((at.latency_s(there.replicas, there.workers, there.pool_limit) for there in allowed), default=None)


@THOROUGH
@given(any_problems())
def test_the_solver_finds_what_trying_everything_finds(problem: Problem) -> None:
    """The very configuration; and where there is none, the least latency that is within reach."""
    expected, answer = by_trying_everything(problem), solve(problem)

    if isinstance(answer, Unsolvable):
        assert expected is None
        assert least_within_limits(problem) == answer.reachable_s
    else:
        assert expected == answer.target


@LESS
@given(any_problems())
def test_the_fast_loop_finds_what_trying_all_pods_finds(problem: Problem) -> None:
    """Of the configurations that differ from today's in pods alone, the bounds of the other knobs notwithstanding."""
    bounds = problem.policy.knobs.get(Knob.REPLICAS)
    pods = range(bounds.least, bounds.most + 1) if bounds else range(problem.here.replicas, problem.here.replicas + 1)
    every = [replace(problem.here, replicas=number) for number in pods]
    feasible = [there for there in every if not first_violation(as_seen(problem, there), (*LIMITS, *NEEDS))]
    answer = solve_replicas(problem)

    if isinstance(answer, Unsolvable):
        assert feasible == []
    else:
        assert min(feasible, key=lambda there: price(problem, there)) == answer.target


@THOROUGH
@given(any_problems(databases=False), st.floats(1, 3), st.data())
def test_more_load_never_gives_fewer_processes(problem: Problem, factor: float, data: st.DataObject) -> None:
    """Nor a lower price; with what was recommended before as without. (Where the database binds, fewer may serve more.)"""
    last = any_configuration(data, problem) if data.draw(st.booleans()) else None
    busier = replace(problem, demand=replace(problem.demand, arrivals_rps=problem.demand.arrivals_rps * factor))
    quiet, busy = solve(problem, recommended=last), solve(busier, recommended=last)

    if isinstance(quiet, Unsolvable):
        assert isinstance(busy, Unsolvable)
    elif isinstance(busy, Solution):
        assert quiet.target.replicas * quiet.target.workers <= busy.target.replicas * busy.target.workers
        if last is None:
            assert price(problem, quiet.target) <= price(problem, busy.target)


@THOROUGH
@given(any_problems(), st.sampled_from([1e-3, 1e3, 60.0]))
def test_the_unit_of_time_does_not_matter(problem: Problem, unit: float) -> None:
    """Times in milliseconds, rates per millisecond: the same answer."""
    demand, objective = problem.demand, problem.policy.objective
    times = ("cpu_s", "loop_s", "hold_s", "elsewhere_s", "blocked_s", "query_s", "external_s")
    scaled = replace(
        problem,
        demand=replace(
            demand,
            arrivals_rps=demand.arrivals_rps / unit,
            curve=demand.curve and replace(demand.curve, base_s=demand.curve.base_s * unit),
            **{name: getattr(demand, name) * unit for name in times},
        ),
        policy=replace(problem.policy, objective=replace(objective, latency_s=objective.latency_s * unit)),
        burst_s=problem.burst_s * unit,
    )
    one, other = solve(problem), solve(scaled)

    if isinstance(one, Solution) and isinstance(other, Solution):
        assert one.target == other.target
    else:
        assert isinstance(one, Unsolvable)
        assert isinstance(other, Unsolvable)
        assert one.cause is other.cause


@given(any_problems())
def test_the_order_of_the_knobs_does_not_matter(problem: Problem) -> None:
    """Nor does asking twice."""
    turned = replace(problem, policy=replace(problem.policy, knobs=dict(reversed(list(problem.policy.knobs.items())))))

    assert solve(problem) == solve(turned)


@LESS
@given(any_problems(), st.data())
def test_the_short_question_is_the_long_one(problem: Problem, data: st.DataObject) -> None:
    """What the solver asks in numbers alone is what the needs say in sentences."""
    there = any_configuration(data, problem)
    found = suffices(stations(problem), problem.policy.objective.latency_s, there.replicas, there.workers, there.pool_limit)

    assert found is (first_violation(as_seen(problem, there), NEEDS) is None)


@LESS
@given(any_problems(), st.data())
def test_more_of_a_knob_never_meets_a_need_less(problem: Problem, data: st.DataObject) -> None:
    """Pods, workers and connections may be useless, never harmful to the needs: the search rests on it."""
    less = any_configuration(data, problem)
    more = [data.draw(st.integers(0, 4)) for _ in range(3)]
    at, latency_s = stations(problem), problem.policy.objective.latency_s
    small = (less.replicas, less.workers, less.pool_limit)
    large = (less.replicas + more[0], less.workers + more[1], less.pool_limit + more[2])

    assert suffices(at, latency_s, *large) or not suffices(at, latency_s, *small)
    assert at.latency_s(*large) <= at.latency_s(*small) * (1 + 1e-9)


@LESS
@given(any_problems(), st.data())
def test_fewer_pods_and_connections_never_break_a_limit_more(problem: Problem, data: st.DataObject) -> None:
    """As long as the new pods come either way: the search rests on it too."""
    large = any_configuration(data, problem)
    small = replace(
        large,
        replicas=data.draw(st.integers(0, large.replicas)),
        pool_size=data.draw(st.integers(1, large.pool_size)),
    )
    if small.same_template(problem.here) != large.same_template(problem.here):
        return

    assert first_violation(as_seen(problem, large), LIMITS) or first_violation(as_seen(problem, small), LIMITS) is None


def test_fewer_processes_than_more_load_has_outgrown_are_not_chosen() -> None:
    """Five pods of two workers serve what loops ask for; a little more CPU needs six, and these get two workers though one would do."""
    knobs = {Knob.REPLICAS: Bounds(least=5, most=8), Knob.WORKERS: Bounds(least=1, most=3), Knob.POOL: Bounds(least=2, most=30)}
    demand = replace(ORDERS, cpu_s=0.036, loop_s=0.002, blocked_s=0.038, elsewhere_s=0.0)
    problem = a_problem(a_configuration(5, pool_size=6), demand, knobs=knobs)

    quiet = solve(replace(problem, demand=replace(demand, arrivals_rps=88)))
    busy = solve(replace(problem, demand=replace(demand, arrivals_rps=93)))

    assert isinstance(quiet, Solution)
    assert isinstance(busy, Solution)
    assert (5, 2) == (quiet.target.replicas, quiet.target.workers)
    assert (6, 2) == (busy.target.replicas, busy.target.workers)


def test_a_limit_that_forbids_all_pods_is_found_out_at_the_first() -> None:
    """Ninety erlangs and 95 connections: no number of pods, however large, has pools that suffice and fit."""
    bounds = {Knob.REPLICAS: Bounds(least=1, most=40), Knob.WORKERS: Bounds(least=1, most=1), Knob.POOL: Bounds(least=2, most=60)}
    limit = ConnectionLimit(connections=95, because="100 less 5")
    problem = a_problem(a_configuration(10, 1, 9), replace(ORDERS, arrivals_rps=900, hold_s=0.1), knobs=bounds, connection_limit=limit)

    assert by_trying_everything(problem) is None
    assert found(problem) is None


def test_pods_are_added_until_a_limit_lets_them_and_no_longer_than_it_pays() -> None:
    """With one pod of three workers no pool both suffices and fits; two of them cost more than two of two."""
    bounds = {Knob.REPLICAS: Bounds(least=1, most=12), Knob.WORKERS: Bounds(least=1, most=4), Knob.POOL: Bounds(least=1, most=12)}
    limit, here = ConnectionLimit(connections=137, because="a part of all"), a_configuration(5, 2, 5)
    demand = replace(ORDERS, arrivals_rps=155, hold_s=0.06, cpu_s=0.001, loop_s=0.001)
    problem = a_problem(here, demand, knobs=bounds, connection_limit=limit)
    tiny = replace(problem.workload, cpu_limit_cores=4.0, cpu_request_cores=0.05, memory_limit_bytes=None)

    assert a_configuration(2, 2, 6) == found(replace(problem, workload=tiny))
    assert a_configuration(2, 2, 6) == by_trying_everything(replace(problem, workload=tiny))


def test_none_at_all_is_a_number_of_pods_too() -> None:
    """Where the spec allows it: it breaks no limit, and serves nobody."""
    bounds = {Knob.REPLICAS: Bounds(least=0, most=3), Knob.POOL: Bounds(least=2, most=30)}
    problem = a_problem(a_configuration(2), knobs=bounds, connection_limit=ConnectionLimit(connections=7, because="93 held by others"))
    answer = solve(problem)

    assert isinstance(answer, Unsolvable)
    assert least_within_limits(problem) == answer.reachable_s


def found(problem: Problem) -> Configuration | None:
    """Return the solver's answer, None where there is none."""
    answer = solve(problem)
    return answer.target if isinstance(answer, Solution) else None


def test_without_todays_workers_every_way_is_a_rollout() -> None:
    """The spec asks for two workers at least; what is within reach is found all the same."""
    bounds = {Knob.REPLICAS: Bounds(least=1, most=3), Knob.WORKERS: Bounds(least=2, most=2), Knob.POOL: Bounds(least=2, most=30)}
    limit = ConnectionLimit(connections=14, because="86 held by others")
    problem = a_problem(a_configuration(2), knobs=bounds, connection_limit=limit)
    problem = replace(problem, workload=replace(problem.workload, cpu_limit_cores=2.0))
    answer = solve(problem)

    assert isinstance(answer, Unsolvable)
    assert least_within_limits(problem) == answer.reachable_s
