"""A statement's time by how many run at once: the knee where it was seen, and nothing where it was not."""

import random

import pytest

from apituner.core.estimation.buckets import BUCKETS_MOST
from apituner.core.estimation.queries import QueryTimes
from apituner.core.laws import Usl

KNEE_AT_22 = Usl(base_s=0.02, contention=0.03, coherency=0.002)
DAY_S = 86_400.0


def swept(  # noqa: PLR0913 - a sweep has so many sides, and most tests name one
    least: float, most: float, *, seed: int = 0, windows: int = 60, noise: float = 0.1, curve: Usl = KNEE_AT_22
) -> QueryTimes:
    """Return what *windows* tell whose numbers at once lie anywhere between *least* and *most*."""
    dice, known = random.Random(seed), QueryTimes()  # noqa: S311 - noise, not secrets
    for i in range(windows):
        running = dice.uniform(least, most)
        query_s = curve.response_s(running) * max(0.2, dice.gauss(1, noise))
        known = known.seeing(running=running, query_s=query_s, of_all=False, at_s=15.0 * i)
    return known


@pytest.mark.parametrize("seed", range(20))
def test_a_sweep_that_passes_the_knee_finds_it(seed: int) -> None:
    """With 10 % noise and an hour's quarter of windows, the knee at 22 is found to 20 %, and the curve to 10 %."""
    found = swept(2, 44, seed=seed)

    assert found.knee == pytest.approx(KNEE_AT_22.knee, rel=0.2)
    assert found.curve is not None
    for running in (5, 15, 30):
        assert found.curve.response_s(running) == pytest.approx(KNEE_AT_22.response_s(running), rel=0.1)


def test_without_noise_the_curve_itself_is_found() -> None:
    """But for the width of a bucket."""
    found = swept(2, 44, noise=0, windows=400)

    assert found.knee == pytest.approx(KNEE_AT_22.knee, rel=0.03)


@pytest.mark.parametrize("seed", range(20))
def test_a_sweep_that_stops_before_the_knee_leaves_it_unknown(seed: int) -> None:
    """Up to 10 at once, 22 or infinity look the same: nothing is said, and what worked is what was tried."""
    found = swept(1, 10, seed=seed)

    assert found.knee is None
    assert found.curve is None
    assert found.worked is not None
    assert 7 < found.worked <= 10


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(QueryTimes(), id="nothing was seen"),
        pytest.param(swept(2, 44, windows=11), id="eleven windows"),
        pytest.param(swept(28, 40), id="a range in which a curve looks like a line"),
        pytest.param(swept(2, 44, curve=Usl(base_s=0.01, contention=0.2, coherency=0.0)), id="throughput that never falls"),
    ],
)
def test_too_little_tells_no_knee(found: QueryTimes) -> None:
    """Unknown is better than a guess that chokes a pool."""
    assert found.knee is None


def test_points_that_lie_on_no_curve_tell_no_knee() -> None:
    """Times that jump up and down with the number at once were not made by one database."""
    known = QueryTimes()
    for i in range(60):
        known = known.seeing(running=2.0 ** (i % 6), query_s=(0.01, 0.05)[i % 6 % 2] * (i % 6 + 1) ** 2, of_all=False, at_s=15.0 * i)

    assert known.knee is None


def test_what_worked_ends_where_throughput_ends_to_grow() -> None:
    """Past the knee throughput falls, so the largest number that worked lies below it, where the last tenth of growth was."""
    worked = swept(1, 44, noise=0, windows=200).worked

    assert worked is not None
    assert 15 < worked < 23


def test_the_floor_is_a_bucket_s_mean() -> None:
    """One lucky window is no floor."""
    found = swept(1, 1.1, windows=30)

    assert found.floor_s == pytest.approx(0.02, rel=0.1)
    assert found.seeing(running=1, query_s=0.015, of_all=False, at_s=1e4).floor_s == pytest.approx(0.02, rel=0.1)
    assert QueryTimes().floor_s is None
    assert QueryTimes().worked is None


def test_another_database_is_learnt_anew() -> None:
    """Three windows in a row at twice the time: all that was known of the old one is forgotten."""
    known = swept(2, 44, noise=0.0, windows=200)
    for i in range(3):
        assert known.knee is not None
        known = known.seeing(running=10, query_s=2 * KNEE_AT_22.response_s(10), of_all=False, at_s=3000.0 + 15 * i)

    assert known.knee is None
    assert known.floor_s == pytest.approx(2 * KNEE_AT_22.response_s(10))
    assert len(known.buckets) == 1


def test_two_odd_windows_are_noise() -> None:
    """What comes back to the curve never left it."""
    known = swept(2, 44, noise=0.0)
    for times in (2, 2, 1):
        known = known.seeing(running=10, query_s=times * KNEE_AT_22.response_s(10), of_all=False, at_s=900.0)

    assert known.odd == 0
    assert known.knee is not None


def test_counts_of_all_and_of_this_api_alone_are_never_mixed() -> None:
    """The count of all makes a new start; while it is missing nothing is learnt, for as long as what is known counts."""
    own = swept(2, 44)
    whole = own.seeing(running=30, query_s=0.05, of_all=True, at_s=1e3)
    assert [30.0] == [bucket.running for _, bucket in whole.buckets]
    assert whole.of_all

    assert whole == whole.seeing(running=5, query_s=0.01, of_all=False, at_s=1e3)
    aged = whole.seeing(running=5, query_s=0.01, of_all=False, at_s=1e3 + DAY_S)
    assert not aged.buckets
    assert not aged.of_all


def test_a_bucket_that_was_odd_itself_is_learnt_anew_alone() -> None:
    """One window of a slow minute, then three of the database as it is: the rest of the curve stays."""
    known = swept(2, 20, noise=0.0)
    for query_s in (0.5, 0.06, 0.06, 0.06):
        known = known.seeing(running=26, query_s=query_s, of_all=False, at_s=900.0)

    assert [0.06] == [bucket.query_s for _, bucket in known.buckets if bucket.running == 26]
    assert len(known.buckets) > 5


def test_old_windows_count_for_less_and_are_forgotten() -> None:
    """After a day a window counts half, after a few it is gone: a database grows old."""
    known = QueryTimes().seeing(running=4, query_s=0.02, of_all=False, at_s=0)
    halved = known.seeing(running=4, query_s=0.025, of_all=False, at_s=DAY_S)
    gone = known.seeing(running=20, query_s=0.04, of_all=False, at_s=4 * DAY_S)

    assert halved.floor_s == pytest.approx((0.5 * 0.02 + 0.025) / 1.5)
    assert gone.floor_s == 0.04


def test_a_bounded_number_of_buckets_is_kept() -> None:
    """Whatever a database sees."""
    known = QueryTimes()
    for doubling in range(60):
        known = known.seeing(running=2 ** (doubling / 3), query_s=0.01, of_all=False, at_s=doubling)

    assert len(known.buckets) == BUCKETS_MOST
