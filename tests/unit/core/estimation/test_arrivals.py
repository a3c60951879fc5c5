"""How many come: also where fewer are completed, and also soon."""

import math

import pytest

from apituner.core.estimation.arrivals import Arrivals

Window = tuple[float, float | None, bool]
"""Completed per second, inside, objective missed."""


def _seen(*windows: Window, every_s: float = 15.0, known: Arrivals | None = None, from_s: float = 0.0) -> Arrivals:
    known = known or Arrivals()
    for i, (completed, inside, missed) in enumerate(windows):
        known = known.seeing(at_s=from_s + every_s * i, completed_rps=completed, in_flight=inside, missed=missed, window_s=60)
    return known


@pytest.mark.parametrize(
    ("expected", "windows"),
    [
        pytest.param(90, [(90, 5, False)], id="one window"),
        pytest.param(40, [(90, 5, False), (40, 5, False)], id="less comes while all is well"),
        pytest.param(92, [(90, 5, False), (90, 35, False)], id="thirty more inside within 15 s come on top"),
        pytest.param(90, [(90, 5, False), (60, 5, True)], id="an overload serves less, which does not say that less comes"),
        pytest.param(100, [(90, 5, False), (60, 5, True), (100, 5, True)], id="more comes, also in an overload"),
        pytest.param(40, [(90, 50, True), (85, 45, True), (40, 22, True)], id="less comes: fewer are inside"),
        pytest.param(40, [(90, 5, True), (60, 5, True), (40, 5, False)], id="less comes: the objective is met"),
        pytest.param(90, [(90, None, True), (40, None, True)], id="nobody knows how many are inside"),
        pytest.param(30, [(30, 5, True)], id="missed from the first window on"),
    ],
)
def test_what_comes(expected: float, windows: list[Window]) -> None:
    """Completions and growth, and in an overload never less than before unless fewer are inside."""
    assert expected == pytest.approx(_seen(*windows).present_rps)


def test_a_slow_night_is_no_overload() -> None:
    """Where a downstream became slow by day, the number inside is ten times what it was; at night it falls with what comes."""
    evening = _seen((100, 10, False), *[(100, float(inside), True) for inside in (40, 70, 100, 100, 100, 100, 100)])
    night = _seen(*[(rps, rps, True) for rps in (95.0, 85.0, 75.0, 65.0, 55.0, 45.0)], known=evening, from_s=120)

    assert night.present_rps == pytest.approx(45, rel=0.15)


def test_after_a_break_nothing_is_compared_with_what_was_before() -> None:
    """Neither growth, nor slope, nor the bound of an overload outlives hours without a window."""
    known = _seen((90, 10, True), (90, 10, True))
    later = known.seeing(at_s=7200, completed_rps=20, in_flight=900, missed=True, window_s=60)

    assert later.present_rps == 20
    assert len(later.recent) == 1


@pytest.mark.parametrize(
    ("expected", "lead_s", "windows"),
    [
        pytest.param(90, 600, [(90, 5, False)] * 5, id="as ever"),
        pytest.param(90, 600, [(90.0 + 15 * i, 5, False) for i in (4, 3, 2, 1, 0)], id="a fall is never drawn out"),
        pytest.param(240, 60, [(90.0 + 15 * i, 5, False) for i in range(5)], id="one per second more, from the middle of the window"),
        pytest.param(300, 600, [(90.0 + 15 * i, 5, False) for i in range(5)], id="at most twice"),
    ],
)
def test_what_is_to_come(expected: float, lead_s: float, windows: list[Window]) -> None:
    """Never less than now."""
    known = _seen(*windows)

    assert expected == pytest.approx(known.expected_rps(known.recent[-1].at_s, lead_s))


def test_without_a_window_nothing_is_expected() -> None:
    """Unknown is not none."""
    assert Arrivals().present_rps is None
    assert Arrivals().expected_rps(0, 60) is None


def test_old_news_is_not_drawn_out() -> None:
    """Minutes after the last window its slope is history."""
    known = _seen(*[(90.0 + 15 * i, 5, False) for i in range(5)])

    assert known.expected_rps(known.recent[-1].at_s + 600, 60) == 150


def test_the_third_morning_is_known_beforehand() -> None:
    """Two days of a curve that doubles within an hour each morning: on the third, the pods can be ready before the callers."""
    hour = 3600.0

    def curve(at_s: float) -> float:
        return 50 + 100 / (1 + math.exp(-((at_s / hour) % 24 - 8) * 4)) - 100 / (1 + math.exp(-((at_s / hour) % 24 - 20) * 4))

    known = Arrivals()
    for minute in range(2 * 1440 + 8 * 60):
        known = known.seeing(at_s=60.0 * minute, completed_rps=curve(60.0 * minute), in_flight=5, missed=False, window_s=60)
    now_s = 60.0 * (2 * 1440 + 8 * 60 - 1)
    expected = known.expected_rps(now_s, 300)

    assert expected is not None
    assert curve(now_s + 300) * 0.95 <= expected <= curve(now_s + 300) * 1.3
