"""A figure and its error."""

import math

import pytest

from apituner.core.estimation.estimate import Estimate


@pytest.mark.parametrize(
    ("expected", "value", "error"),
    [
        pytest.param(0.25, 4.0, 1.0, id="a share of the value"),
        pytest.param(0.0, 0.0, 0.0, id="nothing, and surely so"),
        pytest.param(math.inf, 0.0, 1.0, id="nothing, but perhaps something"),
    ],
)
def test_relative_error(expected: float, value: float, error: float) -> None:
    """The error is told as a share, also of nothing."""
    assert expected == Estimate(value=value, standard_error=error, windows=1).relative_error
