"""How few pods have been enough for how long."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies  # noqa: F401 - sets the profile of the properties
from apituner.core.stabilization import STABILIZATION, STAIR_MOST, Enough, enough, gradually, recommended
from builders import NOON

SWEEP = timedelta(seconds=15)


def stair_after(wanted: list[int], here: int) -> tuple[Enough, ...]:
    """Return the stair after a sweep with each of these recommendations, the first of them at noon."""
    stair: tuple[Enough, ...] = ()
    for index, replicas in enumerate(wanted):
        stair = recommended(stair, replicas, here, NOON + index * SWEEP)
    return stair


@settings(max_examples=1000)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(1, 9))
def test_it_is_the_largest_recommendation_of_the_window(wanted: list[int], here: int) -> None:
    """As if all of them were kept: fewer pods count once every recommendation of 300 s, and the one at its edge, was for no more."""
    now = NOON + (len(wanted) - 1) * SWEEP
    stair = stair_after(wanted, here)
    covered = [replicas for index, replicas in enumerate(wanted) if NOON + index * SWEEP >= now - STABILIZATION]
    most = max(covered)
    expected = most if now - NOON >= STABILIZATION and most < here else None

    assert expected == enough(stair, now)
    assert len(stair) <= STAIR_MOST


def test_nothing_is_kept_while_nothing_fewer_is_recommended() -> None:
    """An API at rest costs no write."""
    assert stair_after([4, 4, 5, 4], here=4) == ()


def test_a_recommendation_that_stays_is_not_written_again() -> None:
    """The stair says since when, not how often."""
    assert stair_after([3, 3, 3], here=4) == (Enough(replicas=3, since=NOON),)


def test_the_stair_is_bounded() -> None:
    """What has no place is proven later: more pods for a little longer."""
    assert [step.replicas for step in stair_after(list(range(30, 0, -1)), here=40)] == list(range(30, 20, -1))


@pytest.mark.parametrize(
    ("expected", "here", "floor"),
    [
        pytest.param(3, 4, 1, id="one of a few"),
        pytest.param(40, 50, 1, id="a fifth of many"),
        pytest.param(48, 50, 48, id="no further than is called for"),
        pytest.param(9, 10, 9, id="one is always allowed"),
        pytest.param(8, 10, 2, id="exactly a fifth"),
    ],
)
def test_p1_pods_are_given_up_step_by_step(expected: int, here: int, floor: int) -> None:
    """A pod or a fifth."""
    assert expected == gradually(here, floor)
