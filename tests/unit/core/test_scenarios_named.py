"""
The scenarios that a tuner is judged by, as such a system would show them: each must be called by its name.

The figures follow from the set-up by the laws of queues: utilization, Little, Erlang C. An id is the scenario's number and name. Scenarios
that are about the course of events, not about one window, have no row: 14, 15, 16, 17, 22 and 24.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apituner.core.configuration import Configuration, Knob
from apituner.core.diagnosis import Bottleneck, Budget, Evidence, Finding, Remark, Verdict, diagnose
from apituner.core.moves import MOVES, Move
from apituner.core.policy import Bounds, ConnectionLimit, Objective
from apituner.core.snapshot import RouteSignal, Signal
from apituner.core.workload import Autoscaler
from builders import NOON, a_policy, a_snapshot, a_workload

MIB = 2**20
QUIET: dict[str, float] = {
    "errors_ratio": 0,
    "over_objective_ratio": 0.0,
    "loop_blocked_ratio": 0,
    "loop_lag_mean_s": 0.001,
    "loop_lag_p99_s": 0.005,
    "pool_wait_mean_s": 0.0,
    "pool_timeouts_rps": 0,
    "throttled_ratio": 0,
    "external_rps": 0,
    "threadpool_tokens": 80,
    "threadpool_borrowed": 0,
    "threadpool_waiting": 0,
    "serialization_mean_s": 0.001,
    "response_mean_bytes": 2000,
    "queries_in_serialization_ratio": 0,
    "background_mean_s": 0,
    "restarts_per_hour": 0,
}
NUMBERS = {
    "requests_rps": 100.0,
    "cpu_s": 0.004,
    "queries": 1.0,
    "query_s": 0.005,
    "hold_s": 0.006,
    "mean_s": 0.02,
    "objective_s": 0.05,
}


def shown(  # noqa: PLR0913 - one argument for each part of the evidence
    at: Configuration,
    *,
    routes: dict[str, dict[RouteSignal, float]] | None = None,
    evidence: dict[str, Any] | None = None,
    policy: dict[str, Any] | None = None,
    workload: dict[str, Any] | None = None,
    readings: dict[str, float] | None = None,
    **numbers: float,
) -> Evidence:
    """Return what an API shows: *numbers* are per request, *readings* are signals as they stand."""
    of = NUMBERS | numbers
    rps, processes = of["requests_rps"], at.replicas * at.workers
    told: dict[str, Any] = {
        **QUIET,
        "requests_rps": rps,
        "in_flight": rps * of["mean_s"],
        "latency_mean_s": of["mean_s"],
        "latency_objective_s": of["objective_s"],
        "cpu_cores": rps * of["cpu_s"],
        "loop_cpu_cores": rps * of["cpu_s"] * 0.95,
        "pool_acquisitions_rps": rps,
        "pool_hold_mean_s": of["hold_s"],
        "pool_in_use": rps * of["hold_s"],
        "pool_limit": processes * at.pool_limit,
        "queries_rps": rps * of["queries"],
        "query_mean_s": of["query_s"],
        "worker_rss_max_bytes": 90 * MIB,
        **(readings or {}),
    }
    objective = Objective(percentile=99, latency_s=0.25, error_ratio=0.01)
    knobs = {Knob.REPLICAS: Bounds(least=1, most=20), Knob.WORKERS: Bounds(least=1, most=4), Knob.POOL: Bounds(least=2, most=40)}
    return Evidence(
        seen=replace(a_snapshot(at, **told), routes=routes or {}),
        here=at,
        workload=a_workload(at, **(workload or {})),
        policy=replace(a_policy(objective=objective, knobs=knobs, connection_limit=None), **(policy or {})),
        **({"query_floor_s": of["query_s"], "usual_queries": of["queries"]} | (evidence or {})),
    )


def at(replicas: int, workers: int, pool_size: int) -> Configuration:
    """Return a configuration in the short form of the scenarios."""
    return Configuration(replicas=replicas, workers=workers, pool_size=pool_size)


def limited(connections: int) -> dict[str, Any]:
    """Return the limit that a budget sets to this API."""
    return {"connection_limit": ConnectionLimit(connections=connections, because="the budget's")}


# 20 rps in each of two workers, one call in twenty blocks 200 ms: a fifth of the time, and half a stop to wait for.
BLOCKED: dict[str, float] = {"loop_blocked_ratio": 0.2, "loop_lag_p99_s": 0.19, "loop_lag_mean_s": 0.025}
BLOCKING = {"POST /pay": {RouteSignal.BLOCKED_RATIO: 0.93}, "GET /orders": {RouteSignal.BLOCKED_RATIO: 0.004}}
EXTERNAL: dict[str, float] = {"external_mean_s": 0.4, "external_in_transaction_ratio": 0, "external_without_timeout_ratio": 1}
HELD: dict[str, float] = {"external_rps": 60, "external_mean_s": 0.2, "external_in_transaction_ratio": 1}
STARVED: dict[str, float] = {"pool_wait_mean_s": 0.9}
KNEE = {"query_floor_s": 0.02, "knee": 22.0}


@pytest.mark.parametrize(
    ("expected", "evidence"),
    [
        pytest.param(
            Bottleneck.POOL_STARVED,
            shown(at(2, 1, 2), requests_rps=115, queries=2, query_s=0.015, hold_s=0.033, mean_s=0.94, objective_s=2.4, readings=STARVED),
            id="1 pool_starved",
        ),
        pytest.param(
            Bottleneck.WORKER_CPU,
            shown(at(3, 1, 10), requests_rps=260, cpu_s=0.01, query_s=0.003, hold_s=0.02, mean_s=0.075, objective_s=0.29),
            id="2 worker_cpu at the peak",
        ),
        pytest.param(
            Bottleneck.WORKER_CPU,
            shown(at(3, 1, 10), requests_rps=205, cpu_s=0.01, query_s=0.003, hold_s=0.02, mean_s=0.032, objective_s=0.12),
            id="2 worker_cpu on the way up: the objective is still met, the headroom is gone",
        ),
        pytest.param(
            Bottleneck.WORKER_CPU,
            shown(
                at(3, 1, 10),
                requests_rps=260,
                cpu_s=0.01,
                query_s=0.003,
                hold_s=0.02,
                mean_s=0.075,
                objective_s=0.29,
                workload={"cpu_limit_cores": 4.0},
            ),
            id="3 worker_cpu_bigpod",
        ),
        pytest.param(
            Bottleneck.LOOP_BLOCKED,
            shown(
                at(2, 1, 10), requests_rps=40, mean_s=0.11, hold_s=0.035, query_s=0.03, objective_s=0.4, readings=BLOCKED, routes=BLOCKING
            ),
            id="4 loop_blocked",
        ),
        pytest.param(
            Bottleneck.LOOP_BLOCKED,
            shown(
                at(2, 1, 2),
                requests_rps=40,
                mean_s=0.25,
                hold_s=0.06,
                query_s=0.03,
                objective_s=0.9,
                readings=BLOCKED | {"pool_wait_mean_s": 0.1},
                evidence={"query_floor_s": 0.005},
            ),
            id="4 loop_blocked with a small pool, whose wait is a symptom, and queries whose results wait for the loop",
        ),
        pytest.param(
            Bottleneck.DATABASE_SATURATED,
            shown(
                at(3, 1, 20),
                requests_rps=150,
                query_s=0.38,
                hold_s=0.39,
                mean_s=2.1,
                objective_s=4.5,
                readings={"pool_wait_mean_s": 1.7},
                evidence=KNEE,
            ),
            id="5 db_knee",
        ),
        pytest.param(
            Bottleneck.DATABASE_SATURATED,
            shown(at(4, 1, 20), requests_rps=160, query_s=0.2, hold_s=0.21, mean_s=0.23, objective_s=0.5, evidence={"knee": 22.0}),
            id="5 db_knee seen before any window was quick",
        ),
        pytest.param(
            Bottleneck.DATABASE_SATURATED,
            shown(
                at(3, 1, 10), requests_rps=100, query_s=0.11, hold_s=0.12, mean_s=0.13, objective_s=0.3, evidence={"query_floor_s": 0.05}
            ),
            id="6 db_slow_external_load: twice the time at the same load",
        ),
        pytest.param(
            Bottleneck.N_PLUS_ONE,
            shown(
                at(2, 1, 10),
                queries=20,
                query_s=0.002,
                hold_s=0.042,
                mean_s=0.048,
                objective_s=0.1,
                evidence={"usual_queries": 1.0, "query_floor_s": 0.002},
            ),
            id="7 n_plus_1: ten times as slow, though within the objective",
        ),
        pytest.param(
            Bottleneck.N_PLUS_ONE,
            shown(
                at(2, 1, 4),
                queries=20,
                query_s=0.01,
                hold_s=0.21,
                mean_s=0.4,
                objective_s=0.9,
                requests_rps=36,
                readings={"pool_wait_mean_s": 0.17},
                evidence={"usual_queries": None, "query_floor_s": 0.01},
            ),
            id="7 n_plus_1 from the start: its long holds empty the pool",
        ),
        pytest.param(
            Bottleneck.EXTERNAL_SLOW,
            shown(at(4, 1, 10), requests_rps=200, cpu_s=0.003, mean_s=0.415, objective_s=0.7, readings={"external_rps": 200.0, **EXTERNAL}),
            id="8 slow_ext",
        ),
        pytest.param(
            Bottleneck.EXTERNAL_INSIDE_TRANSACTION,
            shown(at(2, 1, 7), requests_rps=60, hold_s=0.207, mean_s=0.45, objective_s=0.9, readings=HELD | {"pool_wait_mean_s": 0.23}),
            id="9 ext_inside_session",
        ),
        pytest.param(
            Bottleneck.WORKER_CPU,
            shown(
                at(1, 1, 3),
                requests_rps=27,
                cpu_s=0.0285,
                query_s=0.003,
                hold_s=0.11,
                mean_s=0.155,
                objective_s=0.6,
                readings={"pool_wait_mean_s": 0.027, "serialization_mean_s": 0.025},
            ),
            id="10 serialise: the pool's wait is a symptom",
        ),
        pytest.param(
            Bottleneck.CONNECTION_BUDGET,
            shown(
                at(4, 2, 10),
                evidence={"budget": Budget(limit=180, granted=80, free=-60)},
                policy=limited(20),
                readings={"db_connections": 185},
            ),
            id="11 conn_budget: three services of 80 connections on 200, all objectives met",
        ),
        pytest.param(
            Bottleneck.CONNECTION_BUDGET,
            shown(at(4, 2, 10), readings={"db_connections": 178, "db_max_connections": 200, "db_reserved": 3}),
            id="11 conn_budget as the database's exporter sees it",
        ),
        pytest.param(
            Bottleneck.WORKER_CPU,
            shown(at(2, 1, 5), requests_rps=185, cpu_s=0.0106, mean_s=0.6, objective_s=2.0, readings={"loop_lag_mean_s": 0.3}),
            id="13 spike",
        ),
        pytest.param(
            Bottleneck.WORKER_CPU,
            shown(
                at(2, 2, 5),
                requests_rps=180,
                cpu_s=0.01,
                mean_s=0.1,
                objective_s=0.35,
                workload={"memory_limit_bytes": 512 * MIB, "cpu_limit_cores": 4.0},
                readings={"worker_rss_max_bytes": 180 * MIB, "pod_rss_max_bytes": 420 * MIB, "cpu_cores": 2.9},
            ),
            id="18 memory_limited: CPU is short, and memory is why workers cannot help",
        ),
        pytest.param(
            Bottleneck.CPU_THROTTLED,
            shown(
                at(1, 4, 5),
                requests_rps=82,
                cpu_s=0.0106,
                mean_s=0.12,
                objective_s=0.37,
                readings={"throttled_ratio": 0.64, "loop_lag_mean_s": 0.02},
            ),
            id="19 cpu_throttled",
        ),
        pytest.param(
            Bottleneck.POOL_STARVED,
            shown(
                at(2, 1, 2),
                requests_rps=115,
                queries=2,
                query_s=0.015,
                hold_s=0.033,
                mean_s=0.94,
                objective_s=2.4,
                readings=STARVED,
                workload={"autoscaler": Autoscaler(kind="HorizontalPodAutoscaler", name="orders", min_replicas=1, max_replicas=10)},
            ),
            id="20 hpa_present",
        ),
        pytest.param(
            Bottleneck.POD_FAILURE,
            shown(at(4, 1, 10), workload={"ready_replicas": 3}, readings={"restarts_per_hour": 11}),
            id="21 replica_crash",
        ),
        pytest.param(
            Bottleneck.POD_FAILURE,
            shown(at(4, 1, 10), workload={"ready_replicas": 3}, evidence={"restarts_per_hour": 4.0}),
            id="21 replica_crash known from the API server alone",
        ),
        pytest.param(
            Bottleneck.NOTHING_WRONG,
            shown(at(2, 1, 10), workload={"ready_replicas": 1, "rolled_out_at": None}, cpu_s=0.003),
            id="23 cold_start: a pod that starts is no failure",
        ),
        pytest.param(Bottleneck.NOTHING_WRONG, shown(at(1, 1, 6), requests_rps=120), id="a well-sized API"),
        pytest.param(
            Bottleneck.OVERPROVISIONED,
            shown(at(4, 1, 20), requests_rps=40, evidence={"met_since": NOON - timedelta(minutes=16)}),
            id="13 spike, a quarter of an hour after it",
        ),
        pytest.param(
            Bottleneck.DATABASE_SATURATED,
            shown(
                at(2, 1, 20),
                requests_rps=180,
                query_s=0.16,
                hold_s=0.165,
                mean_s=0.3,
                objective_s=0.8,
                evidence=KNEE,
                readings={"pool_wait_mean_s": 0.1},
            ),
            id="1 then 5: a larger pool has moved the bottleneck to the database",
        ),
    ],
)
def test_the_bottleneck_is_called_by_its_name(expected: Bottleneck, evidence: Evidence) -> None:
    """Causes before symptoms, and nothing where nothing is wrong."""
    found = diagnose(evidence)

    assert expected is found.bottleneck, found.because


def finding(evidence: Evidence, reason: Bottleneck | Remark) -> Finding:
    """Return one finding about *evidence*."""
    return next(one for one in diagnose(evidence).findings if one.reason is reason)


def test_12_a_rollout_that_does_not_fit_the_budget_is_told() -> None:
    """8 pods of 10 connections fit 97, 10 of them do not: the plan must not surge, and the pool may well grow if it goes without."""
    tight = shown(at(8, 2, 5), policy=limited(97))
    found = finding(tight, Bottleneck.CONNECTION_BUDGET)

    assert Verdict.WARN is found.verdict
    assert "80 connections, 100 while a rollout surges, of 97" in found.because
    assert "maxSurge: 0" in found.advice
    assert Bottleneck.NOTHING_WRONG is diagnose(tight).bottleneck


def test_18_memory_is_named_as_what_limits_the_workers() -> None:
    """The cure by workers is ruled out beside the bottleneck."""
    short = shown(
        at(2, 2, 5),
        requests_rps=290,
        cpu_s=0.01,
        workload={"memory_limit_bytes": 512 * MIB, "cpu_limit_cores": 4.0},
        readings={"worker_rss_max_bytes": 180 * MIB, "pod_rss_max_bytes": 420 * MIB},
    )
    found = finding(short, Bottleneck.MEMORY_LIMITS_WORKERS)

    assert Verdict.WARN is found.verdict
    assert "another one does not fit" in found.because


def test_4_the_route_that_blocks_is_named() -> None:
    """With its share of the time, and without those that hardly block."""
    blocked = shown(
        at(2, 1, 10), requests_rps=40, mean_s=0.11, hold_s=0.035, query_s=0.03, objective_s=0.4, readings=BLOCKED, routes=BLOCKING
    )
    found = finding(blocked, Bottleneck.LOOP_BLOCKED)

    assert "on POST /pay (93%)" in found.because
    assert "GET /orders" not in found.because
    assert "asyncio.to_thread" in found.advice


@pytest.mark.parametrize(
    ("bottleneck", "must", "must_not"),
    [
        pytest.param(
            Bottleneck.POOL_STARVED, {Move.POOL_UP}, {Move.REPLICAS_UP, Move.WORKERS_UP, Move.WORKERS_DOWN}, id="1, 20 pool_starved"
        ),
        pytest.param(Bottleneck.WORKER_CPU, {Move.REPLICAS_UP}, {Move.POOL_UP, Move.POOL_DOWN}, id="2, 10, 13 worker_cpu"),
        pytest.param(
            Bottleneck.WORKER_CPU, {Move.WORKERS_UP, Move.POOL_SPLIT, Move.REPLICAS_DOWN}, {Move.POOL_UP}, id="3 worker_cpu_bigpod"
        ),
        pytest.param(
            Bottleneck.LOOP_BLOCKED,
            {Move.WORKERS_UP, Move.REPLICAS_UP},
            {Move.POOL_UP, Move.POOL_DOWN, Move.REPLICAS_DOWN},
            id="4 loop_blocked",
        ),
        pytest.param(
            Bottleneck.DATABASE_SATURATED,
            {Move.POOL_DOWN, Move.REPLICAS_DOWN},
            {Move.POOL_UP, Move.REPLICAS_UP, Move.WORKERS_UP},
            id="5, 6 db_knee",
        ),
        pytest.param(Bottleneck.N_PLUS_ONE, set(), set(Move), id="7 n_plus_1"),
        pytest.param(Bottleneck.EXTERNAL_SLOW, set(), set(Move), id="8 slow_ext"),
        pytest.param(
            Bottleneck.EXTERNAL_INSIDE_TRANSACTION, {Move.POOL_UP}, {Move.WORKERS_UP, Move.REPLICAS_UP}, id="9 ext_inside_session"
        ),
        pytest.param(
            Bottleneck.CONNECTION_BUDGET, {Move.POOL_DOWN}, {Move.POOL_UP, Move.REPLICAS_UP, Move.WORKERS_UP}, id="11, 12 conn_budget"
        ),
        pytest.param(Bottleneck.MEMORY_LIMITS_WORKERS, {Move.REPLICAS_UP}, {Move.WORKERS_UP}, id="18 memory_limited"),
        pytest.param(
            Bottleneck.CPU_THROTTLED,
            {Move.REPLICAS_UP, Move.WORKERS_DOWN},
            {Move.WORKERS_UP, Move.POOL_UP, Move.POOL_DOWN},
            id="19 cpu_throttled",
        ),
        pytest.param(Bottleneck.POD_FAILURE, {Move.ONE_REPLICA}, set(Move) - {Move.ONE_REPLICA}, id="21 replica_crash"),
        pytest.param(Bottleneck.UNKNOWN, set(), set(Move), id="17 missing metrics"),
    ],
)
def test_what_must_and_must_not_move(bottleneck: Bottleneck, must: set[Move], must_not: set[Move]) -> None:
    """The table of the scenarios, told by the table of moves."""
    assert must <= MOVES[bottleneck]
    assert not must_not & MOVES[bottleneck]


def test_every_signal_of_the_scenarios_is_one() -> None:
    """A figure under a misspelt name would be absent, and the row would pass for another reason."""
    assert {*map(Signal, QUIET), *map(Signal, BLOCKED), *map(Signal, EXTERNAL), *map(Signal, HELD)} <= set(Signal)
