"""What is found of pods, at the edge of each threshold."""

from datetime import timedelta
from typing import Any

import pytest

from apituner.core.configuration import Knob
from apituner.core.diagnosis import Bottleneck, Verdict
from apituner.core.policy import Bounds
from apituner.core.snapshot import Signal
from builders import NOON, a_configuration
from looks import FAIL, MET, PASS, UNKNOWN, WARN, looked


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
