"""Percentiles and shares: PromQL's own numbers, and no surprise at the edges."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.prometheus.histogram import Histogram, histogram

FIFTY_FIFTY = {0.1: 50.0, 0.2: 100.0, math.inf: 100.0}


def measured(buckets: dict[float, float]) -> Histogram:
    """Build a histogram that is one."""
    found = histogram(buckets)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("expected", "quantile", "buckets"),
    [
        pytest.param(0.19, 0.95, FIFTY_FIFTY, id="nine tenths into the second bucket"),
        pytest.param(0.1, 0.5, FIFTY_FIFTY, id="exactly a bound"),
        pytest.param(0.05, 0.25, FIFTY_FIFTY, id="the first bucket begins at zero"),
        pytest.param(0.2, 0.95, {0.1: 0.0, 0.2: 10.0, math.inf: 100.0}, id="past the last bound: at least that"),
        pytest.param(0.095, 0.95, {0.1: 100.0, 0.2: 100.0, math.inf: 100.0}, id="empty buckets above do not pull"),
        pytest.param(0.19, 0.95, {0.1: 50.0, 0.2: 100.0, 0.5: 90.0, math.inf: 100.0}, id="a wider bucket that counts less counts as much"),
    ],
)
def test_quantile(expected: float, quantile: float, buckets: dict[float, float]) -> None:
    """The quantile lies on a straight line inside its bucket, as histogram_quantile has it."""
    assert expected == pytest.approx(measured(buckets).quantile(quantile))


@pytest.mark.parametrize(
    ("expected", "threshold", "buckets"),
    [
        pytest.param(0.5, 0.1, FIFTY_FIFTY, id="at a bound it is counted, not interpolated"),
        pytest.param(0.25, 0.15, FIFTY_FIFTY, id="half into a bucket"),
        pytest.param(0.75, 0.05, FIFTY_FIFTY, id="half into the first bucket"),
        pytest.param(0.0, 0.2, FIFTY_FIFTY, id="nothing is slower than the slowest"),
        pytest.param(0.9, 0.2, {0.1: 0.0, 0.2: 10.0, math.inf: 100.0}, id="all beyond the last bound is over"),
        pytest.param(0.9, 5.0, {0.1: 0.0, 0.2: 10.0, math.inf: 100.0}, id="a threshold beyond the last bound: still over"),
        pytest.param(1.0, 0.0, FIFTY_FIFTY, id="everything is slower than nothing"),
    ],
)
def test_share_over(expected: float, threshold: float, buckets: dict[float, float]) -> None:
    """The share above a threshold lies on a straight line inside its bucket."""
    assert expected == pytest.approx(measured(buckets).share_over(threshold))


@pytest.mark.parametrize(
    "buckets",
    [
        pytest.param({}, id="nothing"),
        pytest.param({math.inf: 3.0}, id="only the total"),
        pytest.param({0.1: 1.0, 0.2: 2.0}, id="no total"),
        pytest.param({0.1: math.nan, math.inf: 2.0}, id="a rate that is no number"),
        pytest.param({0.1: -1.0, math.inf: 2.0}, id="a negative rate"),
        pytest.param({-0.1: 1.0, math.inf: 2.0}, id="a duration below zero"),
        pytest.param({0.1: 1.0, math.inf: math.inf}, id="an infinite rate"),
    ],
)
def test_what_is_no_histogram(buckets: dict[float, float]) -> None:
    """Buckets that contradict themselves give none, rather than a number."""
    assert None is histogram(buckets)


counts = st.lists(st.floats(0, 1e6), min_size=3, max_size=8).filter(lambda rates: max(rates) > 0)


def scattered(rates: list[float]) -> Histogram:
    """Rates in any order: the repair has to make sense of them."""
    return measured({**{0.05 * 2**index: rate for index, rate in enumerate(rates[:-1])}, math.inf: max(rates)})


@given(counts, st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_higher_quantile_is_never_faster(rates: list[float], one: float, two: float) -> None:
    """Quantiles rise."""
    low, high = sorted((one, two))
    assert scattered(rates).quantile(low) <= scattered(rates).quantile(high) * (1 + 1e-9)


@given(counts, st.floats(0, 100), st.floats(0, 100))
def test_fewer_requests_exceed_a_higher_threshold(rates: list[float], one: float, two: float) -> None:
    """Shares fall, and stay shares."""
    low, high = sorted((one, two))
    assert 0 <= scattered(rates).share_over(high) <= scattered(rates).share_over(low) + 1e-9 <= 1 + 1e-9


@given(counts, st.floats(0.05, 0.99))
def test_the_share_over_a_quantile_is_what_is_left(rates: list[float], quantile: float) -> None:
    """Percentile and share tell the same story, except beyond the last bound, where the share says more."""
    found = scattered(rates)
    assert found.share_over(found.quantile(quantile)) >= 1 - quantile - 1e-6 or found.quantile(quantile) in found.bounds
