"""
The solver in the situations of which an experienced engineer knows the right answer: what must move, and what must not.

Two pods of one core each and an objective of p99 below 250 ms, unless said. The figures are those of the scenarios' set-ups, worked out by
the service demand law; the database is left at its own time.
"""

from dataclasses import replace
from typing import Any

import pytest

from apituner.core.configuration import Configuration, Knob
from apituner.core.demand import ServiceDemand
from apituner.core.feasibility import Cause
from apituner.core.laws import Usl
from apituner.core.policy import Bounds, ConnectionLimit, Objective
from apituner.core.problem import Problem
from apituner.core.solver import Solution, Unsolvable, solve, solve_replicas
from builders import a_configuration, a_policy, a_workload
from problems import MIB

STARVED = ServiceDemand(
    arrivals_rps=200, cpu_s=0.002, loop_s=0.002, acquisitions=1, hold_s=0.032, elsewhere_s=0.032, worker_bytes=120 * MIB, windows=20
)
"""Two statements of 15 ms, 2 ms of CPU."""
BUSY = ServiceDemand(
    arrivals_rps=240, cpu_s=0.0106, loop_s=0.010, acquisitions=1, hold_s=0.006, elsewhere_s=0.006, worker_bytes=120 * MIB, windows=20
)
"""10.6 ms of CPU and one statement of 3 ms."""
KNOBS = {Knob.REPLICAS: Bounds(least=1, most=20), Knob.WORKERS: Bounds(least=1, most=8), Knob.POOL: Bounds(least=2, most=40)}


def asked(here: Configuration, demand: ServiceDemand, *, workload: dict[str, Any] | None = None, **policy: Any) -> Problem:  # noqa: ANN401
    """Return the problem of a scenario."""
    objective = Objective(percentile=99, latency_s=0.25, error_ratio=0.01)
    limit = ConnectionLimit(connections=97, because="100 less 3 reserved")
    whole = a_policy(**{"knobs": KNOBS, "objective": objective, "connection_limit": limit, **policy})
    cores = {"cpu_limit_cores": 1.0, "cpu_request_cores": 1.0}
    return Problem(here=here, demand=demand, policy=whole, workload=a_workload(here, **{**cores, **(workload or {})}))


def target(problem: Problem) -> Configuration:
    """Return where the solver goes."""
    answer = solve(problem)
    assert isinstance(answer, Solution)
    return answer.target


def test_1_a_starved_pool_gets_connections_and_nothing_else() -> None:
    """Two pods with a pool of 2: pool 6 to 16, no pod, no worker."""
    found = target(asked(a_configuration(2, 1, 2), STARVED, knobs=KNOBS | {Knob.REPLICAS: Bounds(least=2, most=20)}))

    assert (2, 1) == (found.replicas, found.workers)
    assert 6 <= found.pool_size <= 16


def test_2_workers_short_of_cpu_get_pods_and_no_rollout() -> None:
    """260 requests of 10.6 ms each on pods of one core: three pods become five; the pool that suffices stays."""
    here = a_configuration(3, 1, 6)
    found = target(asked(here, replace(BUSY, arrivals_rps=260)))

    assert (5, True) == (found.replicas, found.same_template(here))


def test_3_a_big_pod_with_one_worker_gets_workers() -> None:
    """Four cores and one loop a pod: more workers in fewer pods, and smaller pools within the budget."""
    here = a_configuration(3, 1, 10)
    found = target(asked(here, BUSY, workload={"cpu_limit_cores": 4.0, "cpu_request_cores": 4.0, "memory_limit_bytes": None}))

    assert found.replicas < here.replicas
    assert found.workers in (3, 4)
    assert found.pool_size < here.pool_size


def test_5_beyond_the_knee_the_pools_shrink() -> None:
    """Sixty connections where the database serves 22 at once: whatever is chosen holds fewer than those and half as many again."""
    curve = Usl(base_s=0.020, contention=0.03, coherency=0.002)
    congested_s = curve.response_s(60)
    burst = replace(
        STARVED, arrivals_rps=60 / congested_s, queries=1, query_s=congested_s, hold_s=congested_s, elsewhere_s=congested_s, curve=curve
    )
    found = target(asked(a_configuration(3, 1, 20), burst, connection_limit=None))

    assert found.connections(1) <= 33
    assert found.replicas <= 3


def test_10_serialization_within_the_session_gets_pods() -> None:
    """Loops 77 % busy: the pool's queue is a symptom, and more connections alone are not the answer."""
    building = ServiceDemand(
        arrivals_rps=28, cpu_s=0.0275, loop_s=0.0275, acquisitions=1, hold_s=0.06, elsewhere_s=0.015, worker_bytes=120 * MIB, windows=20
    )
    found = target(asked(a_configuration(1, 1, 3), building))

    assert found.replicas >= 2
    assert found.workers == 1


def test_11_what_is_provided_beyond_need_is_given_back() -> None:
    """Four pods of two workers with pools of 10, of which three connections are needed: less of them, and no process more."""
    here = a_configuration(4, 2, 10)
    light = replace(STARVED, arrivals_rps=160, hold_s=0.020, elsewhere_s=0.020)
    limit = ConnectionLimit(connections=60, because="a third of 180")
    cores = {"cpu_limit_cores": 2.0, "cpu_request_cores": 0.5}
    rolling = asked(here, light, workload=cores, connection_limit=limit)

    answer = solve(rolling)
    assert isinstance(answer, Solution)
    assert answer.target.connections(1) < here.connections(1)
    assert answer.forecast.connections_at_peak <= max(60, here.connections(1))


@pytest.mark.parametrize(
    ("workers", "limit_mib"),
    [
        pytest.param(1, 512, id="120 + 2 x 180 MiB are more than nine tenths of 512"),
        pytest.param(2, 560, id="120 + 2 x 180 MiB fit 560"),
        pytest.param(4, 1024, id="120 + 4 x 180 MiB fit 1024"),
    ],
)
def test_18_memory_bounds_the_workers(workers: int, limit_mib: int) -> None:
    """Four workers in one pod would be the answer; with room for fewer there are more pods."""
    workload = {"cpu_limit_cores": 4.0, "cpu_request_cores": 2.0, "memory_limit_bytes": limit_mib * MIB}
    problem = asked(a_configuration(2, 1, 4), replace(BUSY, worker_bytes=180 * MIB), workload=workload)
    found = target(replace(problem, base_bytes=120 * MIB))

    assert workers == found.workers
    assert found.replicas * found.workers >= 4


def test_18_memory_that_forbids_all_is_named() -> None:
    """With one pod at most there is no other way, and the sentence has both numbers."""
    knobs = KNOBS | {Knob.REPLICAS: Bounds(least=1, most=1)}
    workload = {"cpu_limit_cores": 4.0, "memory_limit_bytes": 512 * MIB}
    problem = asked(a_configuration(1, 1, 4), replace(BUSY, worker_bytes=180 * MIB), knobs=knobs, workload=workload)
    answer = solve(replace(problem, base_bytes=120 * MIB))

    assert isinstance(answer, Unsolvable)
    assert (Cause.MEMORY, True) == (answer.cause, "more than 90% of the limit of 512 MiB" in answer.because)


def test_19_throttled_workers_get_pods_and_no_more_workers() -> None:
    """Four workers on one core, 85 % busy: more pods or fewer workers, and the pool stays."""
    here = a_configuration(1, 4, 4)
    found = target(asked(here, replace(BUSY, arrivals_rps=80)))

    assert found.replicas >= 2
    assert found.workers <= 4
    assert found.pool_limit <= here.pool_limit


def test_19_workers_are_not_added_where_there_is_no_core() -> None:
    """Loops too busy and a core that is the limit: pods."""
    found = target(asked(a_configuration(1, 1, 4), replace(BUSY, arrivals_rps=80)))

    assert (2, 1) == (found.replicas, found.workers)


def test_4_blocked_loops_get_workers_within_memory() -> None:
    """One request in twenty stops its loop for 200 ms while the CPU idles: loops beside each other, on the same core."""
    blocked = replace(BUSY, arrivals_rps=60, cpu_s=0.003, loop_s=0.003, blocked_s=0.010, elsewhere_s=0.006)
    found = target(replace(asked(a_configuration(1, 1, 4), blocked), burst_s=0.2))

    assert found.workers >= 2
    assert found.replicas <= 2


def test_the_fast_loop_moves_pods_alone() -> None:
    """Short of CPU and of connections: the pods that meet both at today's pool, without a rollout."""
    here = a_configuration(2, 1, 4)
    problem = asked(here, replace(STARVED, arrivals_rps=220))
    fast, slow = solve_replicas(problem), target(problem)

    assert isinstance(fast, Solution)
    assert (True, 6) == (fast.target.same_template(here), fast.target.replicas)
    assert (1, True) == (slow.replicas, slow.pool_size > 4)


def test_the_fast_loop_says_when_pods_alone_do_not_help() -> None:
    """The cause, and the least latency that pods alone would give."""
    answer = solve_replicas(asked(a_configuration(2, 1, 2), STARVED, knobs=KNOBS | {Knob.REPLICAS: Bounds(least=1, most=3)}))

    assert isinstance(answer, Unsolvable)
    assert answer.cause is Cause.POOL


def test_the_fast_loop_leaves_pods_alone_that_are_not_named() -> None:
    """Where an autoscaler owns them, for instance."""
    answer = solve_replicas(asked(a_configuration(2, 1, 2), STARVED, knobs={Knob.POOL: KNOBS[Knob.POOL]}))

    assert isinstance(answer, Unsolvable)
    assert [a_configuration(2, 1, 2)] == [one.configuration for one in answer.rejected]
