"""How long a loop stands still at a time, from the delay of its callbacks."""

import pytest

from apituner.core.bursts import burst_s
from apituner.core.snapshot import Absence, Signal, Snapshot
from builders import a_snapshot


def test_a_lag_tells_the_length_of_a_block() -> None:
    """Blocked for a twentieth of the time, 5 ms of lag: 200 ms at a time, and twice that as the lag tells half."""
    assert pytest.approx(0.4) == burst_s(a_snapshot(loop_blocked_ratio=0.05, loop_lag_mean_s=0.005))


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(a_snapshot(loop_blocked_ratio=0.0), id="never blocked"),
        pytest.param(a_snapshot(absent={Signal.LOOP_BLOCKED_RATIO: Absence.NOT_A_NUMBER}), id="not known how often"),
        pytest.param(a_snapshot(loop_blocked_ratio=0.1, absent={Signal.LOOP_LAG_MEAN_S: Absence.NOT_A_NUMBER}), id="no lag"),
    ],
)
def test_what_is_not_known_is_no_burst(seen: Snapshot) -> None:
    """The model then counts blocks as exponential, of the length that each request causes."""
    assert burst_s(seen) == 0.0
