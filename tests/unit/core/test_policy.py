"""What the user allows makes sense, or is refused."""

import pytest

from apituner.core.policy import Bounds, Objective


def test_empty_bounds_are_refused() -> None:
    """Nothing lies between a least and a smaller most."""
    with pytest.raises(ValueError, match="bounds are empty: 3 > 2"):
        Bounds(least=3, most=2)


@pytest.mark.parametrize(
    ("expected", "percentile"),
    [
        pytest.param(0.05, 95, id="p95 forgives one in twenty"),
        pytest.param(0.01, 99, id="p99 forgives one in a hundred"),
        pytest.param(0.5, 50, id="the median forgives half"),
    ],
)
def test_an_objective_forgives_a_share(expected: float, percentile: float) -> None:
    """The share of requests that may be slower."""
    assert expected == pytest.approx(Objective(percentile=percentile, latency_s=0.25, error_ratio=0.01).slow_ratio)
