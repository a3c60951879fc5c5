"""The tail and the residual: learnt from windows, with a prior, and not from what is out of balance."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.core.calibration import PRIOR, Calibration, exponential_tail, residual, saturated
from apituner.core.demand import ServiceDemand
from builders import a_configuration
from problems import ORDERS


def after(windows: int, *, times: float, percentile: float = 95, busy: bool = False) -> Calibration:
    """Return the prior after so many windows whose percentile was so many times the mean."""
    found = PRIOR
    for _ in range(windows):
        found = found.seeing(percentile=percentile, latency_s=0.1 * times, mean_s=0.1, saturated=busy)
    return found


def test_the_prior_is_the_measured_tail() -> None:
    """p95 at 2.4 times the mean, p99 at 3.7: the upper end of what was measured, and above it."""
    assert pytest.approx(2.40, abs=0.01) == PRIOR.tail(95)
    assert pytest.approx(3.68, abs=0.01) == PRIOR.tail(99)
    assert (PRIOR.windows, PRIOR.residual, PRIOR.trusted) == (0, 0.0, True)


def test_a_low_percentile_is_no_less_than_the_mean() -> None:
    """The median of an exponential lies below its mean, that of a service with a floor does not."""
    assert PRIOR.tail(50) == 1.0


@pytest.mark.parametrize("percentile", [pytest.param(90, id="p90"), pytest.param(99, id="p99")])
def test_the_factor_comes_to_what_is_measured(percentile: float) -> None:
    """After some minutes the prior is hardly left, and the error is smaller than one window's."""
    learnt = after(300, times=2.0, percentile=percentile)

    assert pytest.approx(2.0, rel=0.02) == learnt.tail(percentile)
    assert learnt.windows == 300
    assert learnt.error < 0.5 * PRIOR.error


def test_one_window_moves_little() -> None:
    """The prior counts for twenty: one odd window is no news."""
    assert abs(after(1, times=6.0).tail(95) - PRIOR.tail(95)) < 0.2


@pytest.mark.parametrize(
    ("times", "busy"),
    [pytest.param(9.0, True, id="a station is saturated"), pytest.param(0.0, False, id="no latency at all")],
)
def test_nothing_is_learnt_from_what_is_out_of_balance(times: float, *, busy: bool) -> None:
    """A queue that grows says more about its past than about its load."""
    assert after(5, times=times, busy=busy) == PRIOR


def test_nothing_is_learnt_without_a_mean() -> None:
    """Nothing is divided by nought."""
    assert PRIOR.seeing(percentile=95, latency_s=0.1, mean_s=0.0, saturated=False) == PRIOR


@given(st.lists(st.floats(1e-6, 1e3), max_size=50))
def test_the_factor_stays_within_reason(times: list[float]) -> None:
    """Whatever is measured, it is a number, and its error is one too."""
    found = PRIOR
    for ratio in times:
        found = found.seeing(percentile=95, latency_s=ratio, mean_s=1.0, saturated=False)

    assert 0.2 <= found.factor <= 3.0
    assert 0 < found.error < 3.0


@given(st.floats(0.1, 5), st.floats(1e-3, 1e3))
def test_the_unit_of_time_does_not_matter(times: float, unit: float) -> None:
    """Only the ratio counts."""
    one = PRIOR.seeing(percentile=95, latency_s=times, mean_s=1.0, saturated=False)
    other = PRIOR.seeing(percentile=95, latency_s=times * unit, mean_s=unit, saturated=False)

    assert one.factor == pytest.approx(other.factor)


@pytest.mark.parametrize(
    ("expected", "figures"),
    [
        pytest.param(False, (0.9, 0.9, 0.9), id="all nine tenths busy"),
        pytest.param(True, (0.91, 0.1, 0.1), id="CPU beyond"),
        pytest.param(True, (0.1, 0.91, 0.1), id="loops beyond"),
        pytest.param(True, (0.1, 0.1, 0.91), id="pools beyond"),
    ],
)
def test_saturated(figures: tuple[float, float, float], *, expected: bool) -> None:
    """One station is enough."""
    cpu, loop, pool = figures

    assert expected is saturated(cpu_utilization=cpu, loop_utilization=loop, pool_utilization=pool)


LOOP_S = 0.004 / (1 - 0.18)
"""Of the starved API: 45 requests per second a worker, 4 ms each."""


@pytest.mark.parametrize(
    ("expected", "demand", "mean_s"),
    [
        pytest.param(0.0, {"queries": 1, "query_s": 0.035}, LOOP_S + 0.35 + 0.035, id="loops, wait and statements explain all"),
        pytest.param(0.5, {"queries": 1, "query_s": 0.035}, 2 * (LOOP_S + 0.35 + 0.04), id="half of it comes from nowhere"),
        pytest.param(0.0, {"queries": 1, "query_s": 0.015}, LOOP_S + 0.35 + 0.04, id="idle while a connection is held"),
        pytest.param(0.0, {"queries": 1, "query_s": 0.015}, LOOP_S + 0.35 + 0.015, id="held while the loop is busy with it"),
        pytest.param(1.0, {"queries": 1, "query_s": 0.035}, (LOOP_S + 0.35 + 0.035) / 2, id="twice what is measured"),
        pytest.param(0.0, {}, LOOP_S + 0.35 + 0.04, id="without statements the hold stands for them"),
        pytest.param(0.0, {"external_s": 0.1}, LOOP_S + 0.35 + 0.04 + 0.1, id="calls to others"),
        pytest.param(0.0, {"blocked_s": 0.004}, 0.008 / (1 - 0.36) + 0.35 + 0.04, id="blocked loops"),
        pytest.param(0.0, {}, 0.0, id="nothing to explain"),
    ],
)
def test_residual(expected: float, demand: dict[str, float], mean_s: float) -> None:
    """The share of the mean that loops, the pool's queue, statements and calls leave over."""
    fields = {name: getattr(ORDERS, name) for name in ORDERS.__slots__}
    asked = ServiceDemand(**{**fields, **demand})

    assert expected == pytest.approx(residual(asked, a_configuration(), mean_s=mean_s, pool_wait_s=0.35), abs=1e-9)


def test_the_residual_of_no_pods_is_a_number() -> None:
    """Scaled to nought a moment ago: what was served was served without a queue."""
    assert math.isfinite(residual(ORDERS, a_configuration(0), mean_s=0.4, pool_wait_s=0.35))


def test_a_lasting_residual_takes_the_trust_away() -> None:
    """Not a single odd window; and what explains again is trusted again."""
    odd = PRIOR.explaining(1.0)
    lasting = odd.explaining(1.0).explaining(1.0)
    mended = lasting
    for _ in range(6):
        mended = mended.explaining(0.05)

    assert (True, False, True) == (odd.trusted, lasting.trusted, mended.trusted)


def test_the_tail_of_an_exponential() -> None:
    """The logarithm of 20 for p95."""
    assert pytest.approx(math.log(20)) == exponential_tail(95)
