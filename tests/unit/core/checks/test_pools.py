"""What is found in pools of connections and threads, at the edge of each threshold."""

from typing import Any

import pytest

from apituner.core.diagnosis import Bottleneck, Budget, Remark, Verdict
from apituner.core.policy import ConnectionLimit
from builders import a_configuration
from looks import FAIL, MET, PASS, UNKNOWN, WARN, looked


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


THREADS: dict[str, Any] = {"threadpool_tokens": 80, "threadpool_borrowed": 80, "threadpool_waiting": 9}


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(FAIL, THREADS, id="nine wait: half of the latency"),
        pytest.param(PASS, THREADS | {"threadpool_waiting": 0}, id="nobody waits"),
        pytest.param(PASS, THREADS | {"threadpool_waiting": 0.49}, id="less than every other time somebody waits"),
        pytest.param(WARN, THREADS | {"threadpool_waiting": 0.5}, id="every other time somebody waits"),
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
