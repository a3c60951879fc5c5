"""What is found in queries, at the edge of each threshold."""

from typing import Any

import pytest

from apituner.core.diagnosis import Bottleneck, Remark, Verdict
from apituner.core.snapshot import RouteSignal
from looks import FAIL, MET, PASS, UNKNOWN, WARN, looked


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
