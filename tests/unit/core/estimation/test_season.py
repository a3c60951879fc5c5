"""Holt-Winters against curves that are known."""

import math
import random
from statistics import fmean

import pytest

from apituner.core.estimation import floats
from apituner.core.estimation.season import Season

PERIOD = 48


def day(step: int, *, mean: float = 100.0, swing: float = 60.0) -> float:
    """Return a day's curve: from a quiet night to a busy noon."""
    return mean + swing * math.sin(2 * math.pi * step / PERIOD)


def _begun(values: list[float]) -> Season:
    return Season.begun(values[: 2 * PERIOD], last=2 * PERIOD - 1, period=PERIOD)


def test_a_curve_that_repeats_is_foretold() -> None:
    """Two days suffice; the third comes as it should, and how far ahead makes no difference."""
    season = _begun([day(i) for i in range(2 * PERIOD)])

    for ahead in (1, 5, 20, PERIOD):
        assert season.expected(season.last + ahead) == pytest.approx(day(season.last + ahead), rel=0.01)
    assert season.proved
    assert season.smape < 0.01


def test_noise_is_told_in_the_upper_band() -> None:
    """With 10 % noise, some nine of ten windows of the next days are below the band, and it widens with the distance."""
    dice = random.Random(11)  # noqa: S311 - noise, not secrets
    values = [day(i) * dice.gauss(1, 0.1) for i in range(12 * PERIOD)]
    season, below = _begun(values), []
    for value in values[2 * PERIOD :]:
        below.append(value <= season.upper(season.last + 1))
        season = season.seeing(value)

    assert 0.82 < fmean(below) < 0.96
    near, far = (season.upper(season.last + ahead) - season.expected(season.last + ahead) for ahead in (1, 10))
    assert far > near
    assert 0.05 < season.smape < 0.2


def test_a_level_that_rises_is_followed() -> None:
    """Half as much again from one day to the next is known by evening."""
    season = _begun([day(i) for i in range(2 * PERIOD)])
    for i in range(2 * PERIOD, 3 * PERIOD):
        season = season.seeing(50 + day(i))

    assert season.expected(season.last + 1) == pytest.approx(50 + day(season.last + 1), rel=0.1)


def test_a_trend_is_drawn_out_only_so_far() -> None:
    """Each further step adds a tenth less than the one before: nine steps' worth in all."""
    season = Season.begun([10.0 + i for i in range(2 * PERIOD)], last=2 * PERIOD - 1, period=PERIOD)
    flat = floats.value(season.shape, (season.last + 1000) % PERIOD)

    assert season.trend > 0
    assert season.expected(season.last + 1000) == pytest.approx(season.level + 9 * season.trend + flat, rel=1e-4)


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        pytest.param(True, [day(i) for i in range(2 * PERIOD)], id="a curve"),
        pytest.param(False, [day(i, swing=90 if i < PERIOD else -90) for i in range(2 * PERIOD)], id="upside down"),
    ],
)
def test_a_forecast_must_prove_itself(expected: bool, values: list[float]) -> None:  # noqa: FBT001 - a table's column
    """Its backtest errs by less than 25 %."""
    assert expected is _begun(values).proved


def test_a_forecast_that_ceases_to_hold_is_no_longer_believed() -> None:
    """A weekday's curve, then days that have none of it."""
    dice = random.Random(13)  # noqa: S311 - noise, not secrets
    season = _begun([day(i) for i in range(2 * PERIOD)])
    assert season.proved
    for _ in range(2 * PERIOD):
        season = season.seeing(100 * math.exp(dice.gauss(0, 1)))

    assert not season.proved


def test_a_hole_changes_nothing_but_the_time() -> None:
    """After an unknown night the forecast for noon is that of the evening before."""
    season = _begun([day(i) for i in range(2 * PERIOD)])
    later = season.passed(season.last + 10)

    assert later.expected(season.last + 20) == pytest.approx(season.expected(season.last + 20))


def test_fewer_than_none_never_come() -> None:
    """A curve that falls below zero is cut there."""
    season = _begun([max(0.0, day(i, mean=0)) for i in range(2 * PERIOD)])
    for _ in range(10):
        season = season.seeing(0.0)

    assert min(season.expected(season.last + ahead) for ahead in range(1, PERIOD)) == 0.0
