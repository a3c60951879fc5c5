"""The slope of the last minute: upward only, and only where it stands out."""

import random

import pytest

from apituner.core.estimation.slope import Sample, expected_rps, growth_rps, kept, slope_rps_per_s


def _samples(*rates: float, every_s: float = 15.0) -> tuple[Sample, ...]:
    """Return what is kept of windows with these arrivals, one after the other."""
    found: tuple[Sample, ...] = ()
    for i, rate in enumerate(rates):
        found = kept(found, Sample(at_s=every_s * i, arrivals_rps=rate, in_flight=None))
    return found


@pytest.mark.parametrize(
    ("expected", "rates"),
    [
        pytest.param(0.0, [90], id="one window"),
        pytest.param(0.0, [90, 180], id="two windows are no line"),
        pytest.param(0.0, [90, 90, 90, 90], id="as ever"),
        pytest.param(1.0, [90, 105, 120, 135, 150], id="15 more in each window of 15 s"),
        pytest.param(0.0, [150, 135, 120, 105, 90], id="less is no slope"),
        pytest.param(0.0, [90, 110, 85, 115, 95], id="up and down is noise"),
    ],
)
def test_the_slope(expected: float, rates: list[float]) -> None:
    """Per second, by a line through the last minute."""
    assert expected == pytest.approx(slope_rps_per_s(_samples(*rates)))


@pytest.mark.parametrize(
    ("expected", "lead_s"),
    [pytest.param(150, 0, id="now"), pytest.param(210, 60, id="in a minute"), pytest.param(300, 3600, id="at most twice what there is")],
)
def test_it_goes_on_as_it_did(expected: float, lead_s: float) -> None:
    """But a minute says nothing of twice as much."""
    assert expected == pytest.approx(expected_rps(_samples(90, 105, 120, 135, 150), lead_s))


def test_noise_rarely_looks_like_a_slope() -> None:
    """With 10 % noise around the same load, fewer than one minute in ten is taken for a rise."""
    dice = random.Random(5)  # noqa: S311 - noise, not secrets
    taken = sum(slope_rps_per_s(_samples(*(dice.gauss(90, 9) for _ in range(5)))) > 0 for _ in range(500))

    assert taken < 50


def test_a_bounded_number_of_samples_of_the_last_minute_is_kept() -> None:
    """Fast sweeps are thinned evenly, slow ones keep as many as make a line."""
    fast, slow = _samples(*range(100), every_s=2), _samples(*range(10), every_s=120)

    assert len(fast) <= 6
    assert fast[-1].at_s - fast[0].at_s > 40
    assert slope_rps_per_s(fast) == pytest.approx(0.5)
    assert [7.0, 8.0, 9.0] == [one.arrivals_rps for one in slow]


def test_growth_is_what_came_and_is_not_done() -> None:
    """Thirty more inside than a minute ago: half a request per second came on top of those completed."""
    samples = tuple(Sample(at_s=at_s, arrivals_rps=9, in_flight=inside) for at_s, inside in ((-30, 0.0), (0, 40.0), (30, 50.0)))

    assert growth_rps(samples, 60, 70.0) == pytest.approx(0.5)
    assert growth_rps(samples, 60, 10.0) == 0.0
    assert growth_rps(samples, 60, None) == 0.0
    assert growth_rps(_samples(9, 9), 60, 70.0) == 0.0
