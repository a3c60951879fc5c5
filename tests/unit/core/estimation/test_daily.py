"""Arrivals by the clock: slots, holes, and when there is a forecast."""

import math

import pytest

from apituner.core.estimation.daily import PERIOD, WIDTH_S, DailyCurve

_SMALL = 24


def _at(slot: float) -> float:
    return 1000 * WIDTH_S + slot * WIDTH_S


def _curve(slot: float) -> float:
    return 100 + 50 * math.sin(2 * math.pi * slot / _SMALL)


def _seen(slots: range, known: DailyCurve | None = None) -> DailyCurve:
    known = known or DailyCurve(period=_SMALL)
    for slot in slots:
        for part in (0.2, 0.7):
            known = known.seeing(_at(slot + part), _curve(slot + part))
    return known


def test_a_day_of_five_minutes() -> None:
    """The default is 288 slots: a day."""
    assert PERIOD * WIDTH_S == 86_400


def test_two_whole_periods_are_needed() -> None:
    """One slot short there is no forecast, then there is."""
    early, late = _seen(range(2 * _SMALL)), _seen(range(2 * _SMALL + 1))

    assert early.expected_rps(_at(2 * _SMALL + 1)) is None
    assert late.expected_rps(_at(2 * _SMALL + 1)) == pytest.approx(_curve(2 * _SMALL + 1), rel=0.1)
    assert not late.closed


def test_between_slots_runs_a_straight_line() -> None:
    """A slot's mean is that of its middle, and halfway to the next it is halfway."""
    known = _seen(range(2 * _SMALL + 1))
    first, between, second = (known.expected_rps(_at(2 * _SMALL + slot)) for slot in (3.5, 4.0, 4.5))

    assert first is not None
    assert second is not None
    assert between == pytest.approx((first + second) / 2)


def test_the_open_slot_itself_can_be_asked_for() -> None:
    """Also before its middle, where the slot before it would count, which is over."""
    known = _seen(range(2 * _SMALL + 1))

    assert known.expected_rps(_at(2 * _SMALL + 0.1)) == pytest.approx(known.expected_rps(_at(2 * _SMALL + 0.5)) or 0, rel=0.05)


def test_a_hole_of_some_hours_is_bridged() -> None:
    """By a straight line before there is a forecast, and by the forecast afterwards."""
    lined = _seen(range(13, 2 * _SMALL + 1), _seen(range(10)))
    bridged = _seen(range(2 * _SMALL + 8, 3 * _SMALL), _seen(range(2 * _SMALL + 1)))

    for known, slot in ((lined, 2 * _SMALL + 2), (bridged, 3 * _SMALL + 2)):
        assert known.expected_rps(_at(slot)) == pytest.approx(_curve(slot), rel=0.15)


def test_a_hole_of_more_than_half_a_period_makes_a_new_start() -> None:
    """What is more line than curve has no shape to learn."""
    known = _seen(range(30, 2 * _SMALL + 1), _seen(range(10)))

    assert known.expected_rps(_at(2 * _SMALL + 2)) is None
    assert _seen(range(2 * _SMALL + 1, 30 + 2 * _SMALL + 1), known).season is not None


def test_a_hole_at_the_end_of_the_second_period_is_left_to_the_forecast() -> None:
    """The series is exactly two periods, whatever was missed."""
    known = _seen(range(2 * _SMALL + 6, 2 * _SMALL + 7), _seen(range(2 * _SMALL - 2)))

    assert known.season is not None
    assert known.season.last == 1000 + 2 * _SMALL + 5
    assert known.expected_rps(_at(2 * _SMALL + 7)) == pytest.approx(_curve(2 * _SMALL + 7), rel=0.15)
