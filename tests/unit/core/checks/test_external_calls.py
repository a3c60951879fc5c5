"""What is found in calls to other services, at the edge of each threshold."""

from typing import Any

import pytest

from apituner.core.diagnosis import Bottleneck, Remark, Verdict
from apituner.core.snapshot import RouteSignal, Signal
from looks import FAIL, MET, PASS, WARN, looked

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
