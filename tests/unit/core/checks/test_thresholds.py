"""Each check at the edge of each of its thresholds, whether the objective is met or missed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apituner.core.configuration import Configuration, Knob
from apituner.core.diagnosis import Bottleneck, Budget, Evidence, Finding, Remark, Verdict, diagnose
from apituner.core.policy import Bounds, ConnectionLimit
from apituner.core.snapshot import Absence, RouteSignal, Signal
from apituner.core.workload import Workload
from builders import HEALTHY, NOON, a_configuration, a_policy, a_snapshot, a_workload

MIB = 2**20
WIDE = a_configuration(pool_size=10)
# The same API with a pool that suffices, and a mean of 200 ms of which nothing is known.
ROOMY: dict[str, Any] = {"pool_wait_mean_s": 0.0, "latency_mean_s": 0.198}
MET: dict[str, Any] = {**HEALTHY, "latency_mean_s": 0.098}


def looked(  # noqa: PLR0913 - one argument for each part of the evidence
    reason: Bottleneck | Remark,
    readings: dict[str, Any] | None = None,
    *,
    at: Configuration = WIDE,
    absent: tuple[Signal, ...] = (),
    routes: dict[str, dict[RouteSignal, float]] | None = None,
    workload: dict[str, Any] | None = None,
    policy: dict[str, Any] | None = None,
    **evidence: Any,  # noqa: ANN401 - any field of the evidence
) -> Finding:
    """Return what one check finds of the API of the stories."""
    seen = a_snapshot(at, absent=dict.fromkeys(absent, Absence.NO_SERIES), **(ROOMY | (readings or {})))
    work: Workload = a_workload(at, **(workload or {}))
    whole = Evidence(
        seen=replace(seen, routes=routes or {}),
        here=at,
        workload=work,
        policy=a_policy(**(policy or {})),
        **({"query_floor_s": 0.035} | evidence),
    )
    return next(one for one in diagnose(whole).findings if one.reason is reason)


PASS, WARN, FAIL, UNKNOWN = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("expected", "readings", "evidence"),
    [
        pytest.param(PASS, {"query_mean_s": 0.0719, "queries_rps": 90}, {}, id="not quite twice the floor"),
        pytest.param(FAIL, {"query_mean_s": 0.0721, "queries_rps": 90}, {}, id="twice the floor, without the lag of the loop"),
        pytest.param(PASS, {"query_mean_s": 0.0721, "queries_rps": 28}, {}, id="slow, but fewer than two at once: one slow statement"),
        pytest.param(WARN, {"query_mean_s": 0.0721, "queries_rps": 28.7}, {}, id="two at once, but a twentieth of the latency"),
        pytest.param(WARN, {"query_mean_s": 0.0721, "queries_rps": 28, "db_active": 9}, {}, id="two at once with those of others"),
        pytest.param(WARN, {"query_mean_s": 0.0721, "queries_rps": 90, "latency_mean_s": 0.5}, {}, id="slow, but little of the latency"),
        pytest.param(WARN, MET | {"query_mean_s": 0.0721, "queries_rps": 90}, {}, id="slow, and the objective is met"),
        pytest.param(UNKNOWN, {}, {"query_floor_s": None}, id="neither a floor nor a knee is known yet"),
        pytest.param(
            PASS, {"query_mean_s": 0.042, "queries_rps": 90}, {"query_floor_s": None, "knee": 3.01}, id="not quite 1.2 of the knee"
        ),
        pytest.param(FAIL, MET | {"query_mean_s": 0.043, "queries_rps": 90}, {"query_floor_s": None, "knee": 3.0}, id="past the knee"),
        pytest.param(FAIL, MET | {"db_active": 27}, {"knee": 22.0}, id="all APIs together are past the knee"),
    ],
)
def test_database_saturated(expected: Verdict, readings: dict[str, Any], evidence: dict[str, Any]) -> None:
    """Queries that take twice their usual time, several at once, wait inside the database; past its knee it does less."""
    assert expected is looked(Bottleneck.DATABASE_SATURATED, readings, **evidence).verdict


@pytest.mark.parametrize(
    ("expected", "queries", "usual"),
    [
        pytest.param(PASS, 9.9, None, id="fewer than ten"),
        pytest.param(FAIL, 10.0, None, id="ten"),
        pytest.param(FAIL, 10.0, 9.0, id="ten, though nine were usual"),
        pytest.param(PASS, 5.9, 2.0, id="less than three times the usual"),
        pytest.param(FAIL, 6.0, 2.0, id="three times the usual"),
        pytest.param(PASS, 2.9, 0.1, id="hardly any were usual, and there are not three yet"),
        pytest.param(FAIL, 3.0, 0.1, id="hardly any were usual, and there are three"),
    ],
)
def test_n_plus_one(expected: Verdict, queries: float, usual: float | None) -> None:
    """Ten queries in a request, or three times the usual."""
    readings = {"queries_rps": 90 * queries, "query_mean_s": 0.015}

    assert expected is looked(Bottleneck.N_PLUS_ONE, readings, usual_queries=usual, query_floor_s=0.015).verdict


def test_n_plus_one_names_the_routes() -> None:
    """Those that send many, the most first, and no more than three; also what helps."""
    routes = {f"GET /{number}": {RouteSignal.QUERIES_PER_REQUEST: float(number)} for number in (2, 11, 33, 22, 44)}
    found = looked(Bottleneck.N_PLUS_ONE, {"queries_rps": 1800, "query_mean_s": 0.005}, routes=routes)

    assert "on GET /44 (44 queries), GET /33 (33 queries), GET /22 (22 queries)" in found.because
    assert "GET /11" not in found.because
    assert "selectinload" in found.advice


@pytest.mark.parametrize(
    ("expected", "ratio", "queries"),
    [
        pytest.param(PASS, 0.0, 6.0, id="none"),
        pytest.param(PASS, 0.099, 6.0, id="less than a tenth"),
        pytest.param(FAIL, 0.1, 6.0, id="a tenth of six"),
        pytest.param(PASS, 0.1, 4.9, id="one in every other request, not quite"),
        pytest.param(UNKNOWN, None, 6.0, id="not told apart"),
    ],
)
def test_lazy_loading(expected: Verdict, ratio: float | None, queries: float) -> None:
    """Queries that are sent while the response is built, told as a share."""
    readings = {"queries_rps": 90 * queries, "query_mean_s": 0.04}
    found = looked(Remark.LAZY_LOADING, readings | ({} if ratio is None else {"queries_in_serialization_ratio": ratio}))

    assert expected is found.verdict


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(PASS, {"pool_hold_mean_s": 0.12}, id="idle for less than two thirds"),
        pytest.param(WARN, {"pool_hold_mean_s": 0.125}, id="idle for two thirds, and nobody waits"),
        pytest.param(FAIL, {"pool_hold_mean_s": 0.125, "pool_wait_mean_s": 0.1}, id="idle for two thirds, and others wait"),
        pytest.param(WARN, MET | {"pool_hold_mean_s": 0.2}, id="long, and the objective is met"),
        pytest.param(PASS, {"pool_hold_mean_s": 0.014, "query_mean_s": 0.004, "cpu_cores": 0.04}, id="less than 10 ms"),
        pytest.param(WARN, {"pool_hold_mean_s": 0.016, "query_mean_s": 0.004, "cpu_cores": 0.04}, id="more than 10 ms"),
        pytest.param(
            PASS, {"pool_hold_mean_s": 0.2, "external_rps": 90, "external_mean_s": 0.14, "external_in_transaction_ratio": 1}, id="calls"
        ),
        pytest.param(PASS, {"pool_hold_mean_s": 0.2, "cpu_cores": 1.76}, id="a busy worker"),
    ],
)
def test_long_transaction(expected: Verdict, readings: dict[str, Any]) -> None:
    """Connections that are held for nothing that can be seen; what another check knows is not counted."""
    assert expected is looked(Bottleneck.LONG_TRANSACTION, readings).verdict


CALLS: dict[str, Any] = {
    "external_rps": 90,
    "external_mean_s": 0.02,
    "external_in_transaction_ratio": 0.0,
    "external_without_timeout_ratio": 0,
}


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(PASS, CALLS | {"external_in_transaction_ratio": 0.24}, id="less than 5 ms"),
        pytest.param(WARN, CALLS | {"external_in_transaction_ratio": 0.26}, id="more than 5 ms, and nobody waits"),
        pytest.param(PASS, CALLS | {"external_in_transaction_ratio": 0.9, "pool_hold_mean_s": 0.2}, id="less than a tenth of the hold"),
        pytest.param(FAIL, CALLS | {"external_in_transaction_ratio": 1, "pool_wait_mean_s": 0.1}, id="half of the hold, and others wait"),
        pytest.param(WARN, CALLS | MET | {"external_in_transaction_ratio": 1}, id="the objective is met"),
        pytest.param(PASS, {"external_rps": 0}, id="no calls"),
    ],
)
def test_external_inside_transaction(expected: Verdict, readings: dict[str, Any]) -> None:
    """A connection that is held during a call is charged with the wait that it makes."""
    assert expected is looked(Bottleneck.EXTERNAL_INSIDE_TRANSACTION, readings).verdict


def test_external_inside_transaction_without_a_pool_that_tells() -> None:
    """The calls are known to hold a connection, whatever else it does; the route is named."""
    absent = (Signal.POOL_HOLD_MEAN_S, Signal.POOL_WAIT_MEAN_S)
    routes = {"POST /pay": {RouteSignal.EXTERNAL_IN_TRANSACTION_RATIO: 0.8}}
    found = looked(Bottleneck.EXTERNAL_INSIDE_TRANSACTION, CALLS | {"external_in_transaction_ratio": 1}, absent=absent, routes=routes)

    assert (WARN, 0.0) == (found.verdict, found.explains_ratio)
    assert "on POST /pay (80%)" in found.because


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(PASS, CALLS | {"external_mean_s": 0.1}, id="exactly half of the latency"),
        pytest.param(FAIL, CALLS | {"external_mean_s": 0.101}, id="more than half"),
        pytest.param(WARN, CALLS | MET | {"external_mean_s": 0.09}, id="most of it, and the objective is met"),
        pytest.param(FAIL, CALLS | {"external_mean_s": 3.0}, id="calls at once take longer together than the request"),
    ],
)
def test_external_slow(expected: Verdict, readings: dict[str, Any]) -> None:
    """Most of the latency is somebody else's; nothing explains more than all of it."""
    found = looked(Bottleneck.EXTERNAL_SLOW, readings)

    assert expected is found.verdict
    assert found.explains_ratio is not None
    assert found.explains_ratio <= 1


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(PASS, CALLS, id="all are limited"),
        pytest.param(WARN, CALLS | {"external_without_timeout_ratio": 0.01}, id="one in a hundred is not"),
        pytest.param(PASS, {"external_rps": 0}, id="no calls"),
    ],
)
def test_no_timeout(expected: Verdict, readings: dict[str, Any]) -> None:
    """A call without a time limit is worth mending before it costs anything; the advice has a value."""
    found = looked(Remark.NO_TIMEOUT, readings)

    assert expected is found.verdict
    assert (expected is WARN) == ("httpx.AsyncClient(timeout=0.5)" in found.advice)


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(PASS, {"serialization_mean_s": 0.039}, id="less than a fifth"),
        pytest.param(FAIL, {"serialization_mean_s": 0.041, "response_mean_bytes": 4e6}, id="a fifth"),
        pytest.param(WARN, MET | {"serialization_mean_s": 0.041}, id="a fifth, and the objective is met"),
        pytest.param(PASS, MET | {"serialization_mean_s": 0.0049, "latency_mean_s": 0.01}, id="less than 5 ms"),
    ],
)
def test_serialization_heavy(expected: Verdict, readings: dict[str, Any]) -> None:
    """A fifth of the latency goes into the response; the routes are named."""
    routes = {"GET /all": {RouteSignal.SERIALIZATION_MEAN_S: 0.3}}
    found = looked(Bottleneck.SERIALIZATION_HEAVY, readings, routes=routes)

    assert expected is found.verdict
    assert ("on GET /all (300 ms)" in found.because) == (expected in (WARN, FAIL))


@pytest.mark.parametrize(
    ("expected", "workload", "restarts"),
    [
        pytest.param(PASS, {}, None, id="all are ready"),
        pytest.param(PASS, {}, 2.9, id="a restart now and then"),
        pytest.param(WARN, {}, 3.0, id="all are ready, but restart again and again"),
        pytest.param(FAIL, {"ready_replicas": 1}, 1.0, id="one is lacking, and something restarts"),
        pytest.param(WARN, {"ready_replicas": 1}, 0.0, id="one has been lacking for long, and nothing restarts"),
        pytest.param(WARN, {"ready_replicas": 1}, None, id="one has been lacking for long"),
        pytest.param(PASS, {"ready_replicas": 1, "rolled_out_at": NOON - timedelta(minutes=10)}, 0.0, id="one was lost just now"),
        pytest.param(PASS, {"ready_replicas": 1, "rolled_out_at": None}, 0.0, id="a rollout is under way"),
        pytest.param(PASS, {"ready_replicas": 1, "updated_replicas": 1}, 0.0, id="a new pod is yet to come"),
        pytest.param(FAIL, {"stuck_because": "ProgressDeadlineExceeded"}, None, id="the rollout is stuck"),
    ],
)
def test_pod_failure(expected: Verdict, workload: dict[str, Any], restarts: float | None) -> None:
    """A pod that is not there although it should be, and has had its time."""
    readings = {} if restarts is None else {"restarts_per_hour": restarts}

    assert expected is looked(Bottleneck.POD_FAILURE, readings, workload=workload).verdict


def limit(connections: int) -> dict[str, Any]:
    """Return the most that the API may hold."""
    return {"connection_limit": ConnectionLimit(connections=connections, because="the budget's")}


@pytest.mark.parametrize(
    ("expected", "readings", "policy", "budget"),
    [
        pytest.param(FAIL, {}, limit(22), None, id="nine tenths of what it may hold (20 of 22.2)"),
        pytest.param(WARN, {}, limit(23), None, id="at rest it fits, with one pod more it does not"),
        pytest.param(PASS, {}, limit(30), None, id="a rollout fits exactly"),
        pytest.param(UNKNOWN, {}, {"connection_limit": None}, None, id="nobody knows how many there are"),
        pytest.param(FAIL, {}, limit(90), Budget(limit=90, granted=60, free=-1), id="more is held than may be granted"),
        pytest.param(PASS, {}, limit(90), Budget(limit=90, granted=60, free=0), id="all is granted, and none too many"),
        pytest.param(FAIL, {"db_connections": 90, "db_max_connections": 100}, {"connection_limit": None}, None, id="nine tenths in use"),
        pytest.param(PASS, {"db_connections": 89, "db_max_connections": 100}, {"connection_limit": None}, None, id="one fewer"),
        pytest.param(
            FAIL, {"db_connections": 88, "db_max_connections": 100, "db_reserved": 3}, {"connection_limit": None}, None, id="three reserved"
        ),
        pytest.param(UNKNOWN, {"db_connections": 90}, {"connection_limit": None}, None, id="in use, but of how many"),
    ],
)
def test_connection_budget(expected: Verdict, readings: dict[str, Any], policy: dict[str, Any], budget: Budget | None) -> None:
    """Seen at the database, in the budget, or by what the pools may open; at rest and while a rollout surges."""
    assert expected is looked(Bottleneck.CONNECTION_BUDGET, readings, policy=policy, budget=budget).verdict


@pytest.mark.parametrize(
    ("expected", "readings", "limit_cores"),
    [
        pytest.param(PASS, {"throttled_ratio": 0.1}, 1.0, id="in one period of ten"),
        pytest.param(FAIL, {"throttled_ratio": 0.45}, 1.0, id="in nearly half of them: a tenth of the latency"),
        pytest.param(WARN, {"throttled_ratio": 0.2, "cpu_cores": 0.1}, 1.0, id="so seldom that it does not matter"),
        pytest.param(WARN, MET | {"throttled_ratio": 0.9}, 1.0, id="the objective is met"),
        pytest.param(PASS, {"throttled_ratio": 0.9}, None, id="without a limit there is no throttling"),
        pytest.param(UNKNOWN, {}, 1.0, id="not reported"),
    ],
)
def test_cpu_throttled(expected: Verdict, readings: dict[str, Any], limit_cores: float | None) -> None:
    """Stopped at the limit in more than a tenth of the periods."""
    assert expected is looked(Bottleneck.CPU_THROTTLED, readings, workload={"cpu_limit_cores": limit_cores}).verdict


STOPS: dict[str, Any] = {"loop_blocked_ratio": 0.2, "loop_lag_p99_s": 0.3}


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(FAIL, STOPS, id="a fifth of the time"),
        pytest.param(PASS, STOPS | {"loop_blocked_ratio": 0.05}, id="no more than the objective forgives of requests"),
        pytest.param(PASS, STOPS | {"loop_blocked_ratio": 0.07}, id="less than 0.3 of what keeps the loop"),
        pytest.param(PASS, STOPS | {"loop_lag_p99_s": 0.05}, id="for 50 ms"),
        pytest.param(FAIL, STOPS | {"loop_lag_p99_s": 0.2}, id="for longer"),
        pytest.param(PASS, STOPS | {"cpu_cores": 1.0}, id="half of the cores are in use: busy, not blocked"),
        pytest.param(WARN, STOPS | {"latency_mean_s": 1.2}, id="it is little of the latency"),
        pytest.param(WARN, STOPS | MET | {"latency_objective_s": -0.0}, id="the objective is met by a hair, whatever the p99"),
    ],
)
def test_loop_blocked(expected: Verdict, readings: dict[str, Any]) -> None:
    """Often, long, and without using the CPU."""
    policy = {"objective": replace(a_policy().objective, latency_s=0.5)} if readings.get("latency_objective_s") == 0 else {}

    assert expected is looked(Bottleneck.LOOP_BLOCKED, readings, policy=policy).verdict


@pytest.mark.parametrize(
    ("expected", "readings", "limit_cores", "workers"),
    [
        pytest.param(FAIL, MET | {"cpu_cores": 1.3}, 1.0, 1, id="65 % of two workers' cores: no headroom, though the objective is met"),
        pytest.param(PASS, {"cpu_cores": 1.29}, 1.0, 1, id="a little less"),
        pytest.param(FAIL, {"cpu_cores": 0.65}, 0.5, 1, id="a limit of half a core is reached sooner"),
        pytest.param(FAIL, {"cpu_cores": 1.3}, 1.0, 2, id="two workers share the limit of one pod"),
        pytest.param(FAIL, {"cpu_cores": 1.3}, 8.0, 1, id="a worker is one loop on one core, however high the limit"),
        pytest.param(FAIL, {"cpu_cores": 1.3}, None, 1, id="no limit: one core each"),
        pytest.param(PASS, {"loop_lag_mean_s": 0.05}, 1.0, 1, id="a fifth of the objective to wait for a turn"),
        pytest.param(FAIL, {"loop_lag_mean_s": 0.051}, 1.0, 1, id="more than that"),
        pytest.param(PASS, STOPS | {"loop_lag_mean_s": 0.079}, 1.0, 1, id="more, but that is the blocked loop's"),
        pytest.param(WARN, MET | {"loop_lag_mean_s": 0.06, "latency_objective_s": 0.05}, 1.0, 1, id="late, and the objective is met"),
    ],
)
def test_worker_cpu(expected: Verdict, readings: dict[str, Any], limit_cores: float | None, workers: int) -> None:
    """Utilization is measured against what a worker may use."""
    at = a_configuration(workers=workers, pool_size=10)

    assert expected is looked(Bottleneck.WORKER_CPU, readings, at=at, workload={"cpu_limit_cores": limit_cores}).verdict


@pytest.mark.parametrize(
    ("expected", "advised"), [pytest.param(1.0, "more replicas", id="no core is free"), pytest.param(2.0, "more workers", id="one core is")]
)
def test_worker_cpu_advises_what_there_is_room_for(expected: float, advised: str) -> None:
    """Workers where the limit leaves a core, else replicas."""
    assert advised in looked(Bottleneck.WORKER_CPU, {"cpu_cores": 1.8}, workload={"cpu_limit_cores": expected}).advice


@pytest.mark.parametrize(
    ("expected", "workers", "limit_cores", "blocked"),
    [
        pytest.param(PASS, 1, 0.5, 0.0, id="one worker on half a core"),
        pytest.param(WARN, 2, 1.0, 0.0, id="two on one"),
        pytest.param(PASS, 2, 1.5, 0.0, id="two on one and a half"),
        pytest.param(PASS, 4, 1.0, 0.2, id="four on one, while loops stand blocked"),
        pytest.param(PASS, 4, None, 0.0, id="no limit"),
    ],
)
def test_workers_exceed_cpu(expected: Verdict, workers: int, limit_cores: float | None, blocked: float) -> None:
    """A worker needs a core of its own, unless its loop stands still anyway."""
    at = a_configuration(workers=workers, pool_size=10)
    readings = {"loop_blocked_ratio": blocked}

    assert expected is looked(Remark.WORKERS_EXCEED_CPU, readings, at=at, workload={"cpu_limit_cores": limit_cores}).verdict


@pytest.mark.parametrize(
    ("expected", "readings", "memory"),
    [
        pytest.param(PASS, {}, 512 * MIB, id="plenty"),
        pytest.param(FAIL, {"worker_rss_max_bytes": 90 * MIB}, 100 * MIB, id="nine tenths are in use"),
        pytest.param(FAIL, {"pod_rss_max_bytes": 90 * MIB}, 100 * MIB, id="nine tenths, as the pod tells"),
        pytest.param(PASS, {"worker_rss_max_bytes": 90 * MIB}, 150 * MIB, id="another worker would not fit, but none is wanted"),
        pytest.param(WARN, {"worker_rss_max_bytes": 90 * MIB, "cpu_cores": 1.8}, 150 * MIB, id="CPU is short, and another would not fit"),
        pytest.param(WARN, STOPS | {"worker_rss_max_bytes": 90 * MIB}, 150 * MIB, id="loops stand blocked, and another would not fit"),
        pytest.param(PASS, {"worker_rss_max_bytes": 90 * MIB, "cpu_cores": 1.8}, 200 * MIB, id="CPU is short, and another fits exactly"),
        pytest.param(PASS, {}, None, id="no limit"),
    ],
)
def test_memory_limits_workers(expected: Verdict, readings: dict[str, Any], memory: float | None) -> None:
    """A limit that is nearly met, or that keeps a worker out that would help."""
    assert expected is looked(Bottleneck.MEMORY_LIMITS_WORKERS, readings, workload={"memory_limit_bytes": memory}).verdict


def test_memory_by_what_the_pod_tells_alone() -> None:
    """The pod's memory is shared out over its workers; nothing is known where neither is told."""
    told = looked(Bottleneck.MEMORY_LIMITS_WORKERS, {"pod_rss_max_bytes": 90 * MIB}, absent=(Signal.WORKER_RSS_MAX_BYTES,))

    assert "1 workers use 90 MiB of 512 MiB, 90 MiB the largest" in told.because
    assert UNKNOWN is looked(Bottleneck.MEMORY_LIMITS_WORKERS, absent=(Signal.WORKER_RSS_MAX_BYTES,)).verdict


THREADS: dict[str, Any] = {"threadpool_tokens": 80, "threadpool_borrowed": 80, "threadpool_waiting": 9}


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(FAIL, THREADS, id="nine wait: half of the latency"),
        pytest.param(PASS, THREADS | {"threadpool_waiting": 0}, id="nobody waits"),
        pytest.param(PASS, THREADS | {"threadpool_borrowed": 71.9}, id="more than a tenth are free"),
        pytest.param(WARN, THREADS | {"threadpool_waiting": 1}, id="one waits: a twentieth of the latency"),
        pytest.param(WARN, MET | THREADS, id="the objective is met"),
        pytest.param(
            WARN, THREADS | {"pool_wait_mean_s": 0.8, "latency_mean_s": 0.9}, id="threads that wait for connections are a symptom"
        ),
    ],
)
def test_threadpool_exhausted(expected: Verdict, readings: dict[str, Any]) -> None:
    """All threads are taken, and requests wait for one."""
    assert expected is looked(Bottleneck.THREADPOOL_EXHAUSTED, readings).verdict


@pytest.mark.parametrize(
    ("expected", "pool", "readings", "evidence"),
    [
        pytest.param(WARN, 3, {}, {}, id="1.8 are out of 3, and 4 are needed"),
        pytest.param(PASS, 4, {}, {}, id="4 are there"),
        pytest.param(WARN, 4, {"threadpool_borrowed": 9}, {}, id="more threads than connections"),
        pytest.param(PASS, 4, {"threadpool_borrowed": 8}, {}, id="as many threads as connections"),
        pytest.param(PASS, 20, {}, {"knee": 35.1}, id="40 in all, and the knee lies at 35 with holds a seventh longer than queries"),
        pytest.param(WARN, 20, {}, {"knee": 34.9}, id="a little less"),
        pytest.param(WARN, 20, {"pool_hold_mean_s": 0.2}, {"knee": 26.0}, id="no more than half as many again"),
    ],
)
def test_pool_mismatch(expected: Verdict, pool: int, readings: dict[str, Any], evidence: dict[str, Any]) -> None:
    """Too small for its worker or its threads, or all together too large for the database."""
    assert expected is looked(Remark.POOL_MISMATCH, readings, at=a_configuration(pool_size=pool), **evidence).verdict


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(FAIL, {"pool_wait_mean_s": 0.025}, id="waits exactly a tenth of the objective"),
        pytest.param(PASS, {"pool_wait_mean_s": 0.0249}, id="waits less than a tenth of the objective"),
        pytest.param(FAIL, {"pool_wait_mean_s": 0.01, "pool_timeouts_rps": 0.1}, id="waits little, but somebody gives up"),
        pytest.param(FAIL, {"pool_wait_mean_s": 0.3, "pool_limit": 6}, id="60 % are out"),
        pytest.param(PASS, {"pool_wait_mean_s": 0.3, "pool_limit": 7}, id="half the pool is free: the wait has another cause"),
        pytest.param(FAIL, {"pool_acquisitions_rps": 180, "pool_wait_mean_s": 0.0125}, id="two short waits in a request add up"),
        pytest.param(FAIL, MET | {"pool_wait_mean_s": 0.05}, id="no headroom, though the objective is met"),
        pytest.param(PASS, {"pool_limit": 0, "pool_wait_mean_s": 0.3}, id="a pool that may hold nothing"),
    ],
)
def test_pool_starved(expected: Verdict, readings: dict[str, Any]) -> None:
    """A pool is starved when requests wait long and most of it is out."""
    assert expected is looked(Bottleneck.POOL_STARVED, readings, at=a_configuration()).verdict


def test_a_pool_is_charged_with_the_threads_that_wait_for_it() -> None:
    """Of 0.1 s that a request waits for a thread, half are due to threads that wait for a connection for half of their time."""
    threads = {"threadpool_tokens": 80, "threadpool_borrowed": 72, "threadpool_waiting": 9}
    found = looked(Bottleneck.POOL_STARVED, threads | {"pool_wait_mean_s": 0.4, "latency_mean_s": 0.898}, at=a_configuration())

    assert found.explains_ratio == pytest.approx((0.4 + 0.1 * 0.5) / 0.9)


@pytest.mark.parametrize(
    ("expected", "background_s"),
    [
        pytest.param(PASS, 0.0, id="none"),
        pytest.param(PASS, 0.0044, id="less than a fifth of a worker's time"),
        pytest.param(WARN, 0.0045, id="a fifth, and the loop turns all the same"),
    ],
)
def test_background_work(expected: Verdict, background_s: float) -> None:
    """Tasks behind the response share the loop."""
    assert expected is looked(Bottleneck.BACKGROUND_WORK_IN_PROCESS, {"background_mean_s": background_s}).verdict


def test_background_work_that_fills_the_loop_explains_the_lag() -> None:
    """Most of what is under way is background work, and what is ready waits for it; with an idle API nothing is under way at all."""
    late = {"background_mean_s": 3.0, "loop_lag_mean_s": 0.04}
    found = looked(Bottleneck.BACKGROUND_WORK_IN_PROCESS, late)

    assert (FAIL, True) == (found.verdict, (found.explains_ratio or 0) > 0.4)
    idle = {"background_mean_s": 0.0, "latency_mean_s": 0.0, "loop_lag_mean_s": 0.0}
    assert looked(Bottleneck.BACKGROUND_WORK_IN_PROCESS, idle).explains_ratio == 0


QUARTER = NOON - timedelta(minutes=15)
IDLE: dict[str, Any] = {**MET, "requests_rps": 40, "pool_acquisitions_rps": 40, "cpu_cores": 0.7, "loop_cpu_cores": 0.7}


@pytest.mark.parametrize(
    ("expected", "readings", "evidence"),
    [
        pytest.param(WARN, {}, {}, id="a quarter of an hour, a third busy, a pool of 13 that needs 3"),
        pytest.param(PASS, {}, {"met_since": QUARTER + timedelta(seconds=1)}, id="not long enough"),
        pytest.param(UNKNOWN, {}, {"met_since": None}, id="nobody knows for how long"),
        pytest.param(PASS, {"cpu_cores": 0.8}, {}, id="busy for two fifths"),
        pytest.param(PASS, {"loop_blocked_ratio": 0.2}, {}, id="loops that stand blocked are not idle"),
        pytest.param(PASS, {}, {"at": a_configuration(pool_size=12)}, id="a pool of four times what it needs"),
        pytest.param(PASS, {"errors_ratio": 0.02}, {}, id="the objective is missed"),
        pytest.param(UNKNOWN, {}, {"absent": (Signal.POOL_HOLD_MEAN_S,)}, id="a pool that tells nothing"),
        pytest.param(
            WARN,
            {},
            {"absent": (Signal.POOL_HOLD_MEAN_S,), "policy": {"knobs": {Knob.REPLICAS: Bounds(least=1, most=4)}}},
            id="no pool to speak of",
        ),
        pytest.param(PASS, {}, {"policy": {"knobs": {Knob.REPLICAS: Bounds(least=2, most=4)}}}, id="as small as it may be"),
    ],
)
def test_overprovisioned(expected: Verdict, readings: dict[str, Any], evidence: dict[str, Any]) -> None:
    """Clear slack, for long, and something to give back."""
    whole: dict[str, Any] = {"at": a_configuration(pool_size=13), "met_since": QUARTER, **evidence}
    found = looked(Bottleneck.OVERPROVISIONED, IDLE | readings, **whole)

    assert expected is found.verdict


@pytest.mark.parametrize(
    ("expected", "latency_s"),
    [
        pytest.param(PASS, 0.055, id="queries and CPU are all of it"),
        pytest.param(FAIL, 0.3, id="most of it is nowhere"),
    ],
)
def test_unexplained(expected: Verdict, latency_s: float) -> None:
    """What is left when everything has been taken off."""
    assert expected is looked(Remark.UNEXPLAINED, {"latency_mean_s": latency_s, "external_rps": 0}).verdict


def test_an_api_whose_latency_is_nought_explains_nothing() -> None:
    """No division by it."""
    nought = {"latency_mean_s": 0.0, "loop_lag_mean_s": 0.0, "external_rps": 0}

    assert looked(Remark.UNEXPLAINED, nought).explains_ratio == 0
