"""What is found in responses, and in what is left, at the edge of each threshold."""

from typing import Any

import pytest

from apituner.core.diagnosis import Bottleneck, Remark, Verdict
from apituner.core.snapshot import RouteSignal
from looks import FAIL, MET, PASS, WARN, looked


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
