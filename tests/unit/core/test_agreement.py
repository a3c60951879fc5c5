"""Windows that agree on workers and pool."""

from datetime import timedelta

import pytest

from apituner.core.agreement import AGREED_ENOUGH, Agreement
from apituner.core.configuration import Configuration
from builders import NOON, a_configuration

POOLED = a_configuration(2, 1, 6)
FIRST = Agreement(target=POOLED, since=NOON)


@pytest.mark.parametrize(
    ("expected", "after_s"),
    [
        pytest.param(1, 0, id="the first"),
        pytest.param(1, 29, id="much the same window again"),
        pytest.param(2, 30, id="half a window later"),
        pytest.param(3, 60, id="a whole window later"),
        pytest.param(1, -15, id="figures that come late"),
    ],
)
def test_p4_windows_that_overlap_are_no_second_witness(expected: int, after_s: int) -> None:
    """Three are enough: a minute of agreement on top of the first window's."""
    assert expected == FIRST.windows(NOON + timedelta(seconds=after_s))
    assert AGREED_ENOUGH == 3


@pytest.mark.parametrize(
    ("holds", "target"),
    [
        pytest.param(True, a_configuration(5, 1, 6), id="the number of pods is another matter"),
        pytest.param(True, a_configuration(2, 1, 8), id="two connections are noise"),
        pytest.param(False, a_configuration(2, 1, 9), id="three are not"),
        pytest.param(True, a_configuration(2, 1, 4, max_overflow=2), id="an overflow is part of the pool"),
        pytest.param(False, a_configuration(2, 2, 6), id="another number of workers"),
    ],
)
def test_what_is_the_same_proposal(holds: bool, target: Configuration) -> None:  # noqa: FBT001 - a table's column
    """Another one begins anew, at the window that led to it."""
    later = NOON + timedelta(seconds=90)
    found = Agreement.after(FIRST, target, later)

    assert holds is (found == FIRST)
    assert found.windows(later) == (4 if holds else 1)


def test_a_tenth_of_a_large_pool_is_noise() -> None:
    """A pool of forty moves by four."""
    large = Agreement.after(None, a_configuration(2, 1, 40), NOON)

    assert (large.holds_for(a_configuration(2, 1, 44)), large.holds_for(a_configuration(2, 1, 45))) == (True, False)


def test_creeping_is_no_agreement() -> None:
    """Two connections more in every window: the first proposal is what the others are compared with."""
    agreement = FIRST
    for step in range(1, 4):
        agreement = Agreement.after(agreement, a_configuration(2, 1, 6 + 2 * step), NOON + timedelta(seconds=30 * step))

    assert agreement.windows(NOON + timedelta(seconds=90)) < AGREED_ENOUGH
