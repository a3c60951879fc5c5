"""The most that was needed lately."""

import pytest

from apituner.core.estimation.peak import Peak


def test_a_peak_is_taken_at_once_and_fades_over_a_week() -> None:
    """More counts at once; less takes over as the peak is forgotten, by a third each week."""
    peak = Peak(value=100.0).seeing(300.0, 15)

    assert peak.value == 300.0
    assert peak.seeing(100.0, 60).value == pytest.approx(300.0, rel=1e-3)
    assert peak.seeing(100.0, 7 * 86_400).value == pytest.approx(100 + 200 / 2.718281828)
