"""The filter against simulated noise, with the figures of its origin."""

import random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies  # noqa: F401 - sets the profile of the properties
from apituner.core.estimation.kalman import Filter

_LOAD_RPS = 150.0
_DEMAND_S = 0.0056


def _noisy(dice: random.Random, demand_s: float, noise: float = 0.1) -> float:
    return _LOAD_RPS * demand_s * max(0.0, dice.gauss(1, noise))


def _after(known: Filter | None, busy: float, load: float = _LOAD_RPS) -> Filter:
    if known is None:
        return Filter.begun(busy=busy, load=load, window_s=15)
    return known.seeing(busy=busy, load=load, window_s=15, elapsed_s=15)


def _settled(dice: random.Random) -> Filter:
    known = None
    for _ in range(60):
        known = _after(known, _noisy(dice, _DEMAND_S))
    assert known is not None
    return known


def test_noise_averages_out_and_the_error_is_told_honestly() -> None:
    """With 10 % noise: no bias, a spread of about 4 %, and nine of ten times within twice the told error."""
    found = [_settled(random.Random(seed)) for seed in range(100)]  # noqa: S311 - noise, not secrets

    assert fmean(one.value for one in found) == pytest.approx(_DEMAND_S, rel=0.01)
    assert all(one.value == pytest.approx(_DEMAND_S, rel=0.15) for one in found)
    assert sum(abs(one.value - _DEMAND_S) < 2 * one.estimate.standard_error for one in found) >= 90
    assert all(one.estimate.relative_error < 0.06 and one.estimate.windows >= 55 for one in found)


@pytest.mark.parametrize(
    ("least", "times"),
    [
        pytest.param(100, 1.9, id="nearly twice as much"),
        # Downwards the step is half as large, against the same noise.
        pytest.param(85, 1 / 1.9, id="nearly half as much"),
    ],
)
def test_another_program_is_noticed_within_four_windows(least: int, times: float) -> None:
    """A step by a factor of 1.9 counts as another program after three or four windows, and is known to 20 % within two minutes."""
    soon = 0
    for seed in range(100):
        dice = random.Random(seed)  # noqa: S311 - noise, not secrets
        known, noticed = _settled(dice), None
        for window in range(1, 9):
            known = _after(known, _noisy(dice, times * _DEMAND_S))
            noticed = noticed or (window if known.windows == 1 else None)
        soon += noticed in (3, 4)
        assert known.value == pytest.approx(times * _DEMAND_S, rel=0.2)
    assert soon >= least


def test_a_lone_outlier_is_put_aside() -> None:
    """One window of five times the demand moves nothing; but it makes the filter less sure."""
    known = _settled(random.Random(1))  # noqa: S311 - noise, not secrets
    after = _after(known, 5 * _LOAD_RPS * _DEMAND_S)

    assert known.value == after.value
    assert known.variance < after.variance
    assert _after(after, _LOAD_RPS * _DEMAND_S).surprises == 0


def test_windows_that_are_off_to_either_side_are_noise() -> None:
    """Too much, too little, too much: no program does that."""
    known = _settled(random.Random(2))  # noqa: S311 - noise, not secrets
    for times in (2.0, 0.3, 2.0, 0.3):
        known = _after(known, times * _LOAD_RPS * _DEMAND_S)

    assert known.value == pytest.approx(_DEMAND_S, rel=0.15)
    assert known.surprises == -1


def test_what_was_nothing_can_become_something_and_nothing_again() -> None:
    """A demand of zero is not for ever, whichever way."""
    known = _after(None, 0.0)
    known = _after(_after(known, 0.0), 0.0)
    assert (0.0, 0.0, 3) == (known.value, known.variance, known.windows)
    for _ in range(4):
        known = _after(known, 0.6)
    assert known.value == pytest.approx(0.6 / _LOAD_RPS, rel=0.05)
    for _ in range(4):
        known = _after(known, 0.0)
    assert known.value == pytest.approx(0.0, abs=0.02 * 0.6 / _LOAD_RPS)


def test_few_requests_teach_little() -> None:
    """A hundred requests per window move the filter farther than two."""
    known = _settled(random.Random(3))  # noqa: S311 - noise, not secrets
    many = known.seeing(busy=1.2 * known.value * 100, load=100, window_s=15, elapsed_s=15)
    few = known.seeing(busy=1.2 * known.value / 7, load=1 / 7, window_s=15, elapsed_s=15)

    assert known.value < few.value < known.value + (many.value - known.value) / 3


def test_what_is_known_ages() -> None:
    """After hours without a window the next one counts for nearly all."""
    known = _settled(random.Random(4))  # noqa: S311 - noise, not secrets
    after = known.seeing(busy=1.2 * known.value * _LOAD_RPS, load=_LOAD_RPS, window_s=60, elapsed_s=6 * 3600)

    assert after.value == pytest.approx(1.2 * known.value, rel=0.01)


@settings(max_examples=1000)
@given(st.floats(1e-6, 1e6), st.lists(st.floats(0.1, 10), min_size=1, max_size=12))
def test_a_unit_is_only_a_unit(unit: float, windows: list[float]) -> None:
    """In other units the filter tells the same demand, with the same share of error."""
    one = other = None
    for busy in windows:
        one, other = _after(one, busy), _after(other, unit * busy)

    assert one is not None
    assert other is not None
    assert other.value == pytest.approx(unit * one.value, rel=1e-6)
    assert other.estimate.relative_error == pytest.approx(one.estimate.relative_error, rel=1e-6)
