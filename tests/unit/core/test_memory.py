"""What outlives a restart is bounded, and is not rewritten for noise."""

from datetime import timedelta

import pytest

from apituner.core.diagnosis import Bottleneck
from apituner.core.memory import Change, Memory, Outcome
from builders import NOON, a_configuration


def a_change(*, hours_ago: float = 0, outcome: Outcome = Outcome.APPLYING) -> Change:
    """Return a change of the pool."""
    return Change(
        plan="a1b2c3d4",
        at=NOON - timedelta(hours=hours_ago),
        reason="PoolStarved",
        because="a wait",
        outcome=outcome,
        before=a_configuration(),
        target=a_configuration(pool_size=6),
    )


def test_since_counts_from_the_first_sight_without_a_break() -> None:
    """The same bottleneck keeps its beginning; another one starts anew."""
    later, latest = NOON + timedelta(seconds=15), NOON + timedelta(seconds=30)
    starved = Memory().seeing(Bottleneck.POOL_STARVED, NOON)

    assert starved.seeing(Bottleneck.POOL_STARVED, later).since == NOON
    assert latest == starved.seeing(Bottleneck.WORKER_CPU, later).seeing(Bottleneck.POOL_STARVED, latest).since


def test_p1_what_was_not_seen_has_not_lasted() -> None:
    """A break makes a bottleneck prove itself anew, and drops the recommendation."""
    starved = Memory(bottleneck=Bottleneck.POOL_STARVED, since=NOON, recommended=a_configuration())
    blind = starved.unseeing(NOON + timedelta(minutes=1))

    assert (blind.bottleneck, blind.recommended) == (Bottleneck.UNKNOWN, None)
    assert blind is not starved.unseeing(NOON)
    assert NOON + timedelta(minutes=1) == blind.unseeing(NOON + timedelta(minutes=2)).since


@pytest.mark.parametrize(
    ("expected", "known", "query_s"),
    [
        pytest.param(0.01, None, 0.01, id="the first sight"),
        pytest.param(0.01, 0.01, None, id="nothing seen: nothing forgotten"),
        pytest.param(0.01, 0.01, 0.02, id="slower"),
        pytest.param(0.01, 0.01, 0.0096, id="faster by noise: the status is not written for it"),
        pytest.param(0.0095, 0.01, 0.0095, id="faster by exactly a twentieth"),
    ],
)
def test_query_floor(expected: float, known: float | None, query_s: float | None) -> None:
    """The floor is the least that was seen, noise aside."""
    assert expected == Memory(query_floor_s=known).querying(query_s, NOON).query_floor_s


def test_history_is_bounded_and_newest_first() -> None:
    """Ten changes are kept, whatever happened before."""
    memory = Memory()
    for hour in range(15, 0, -1):
        memory = Memory(change=a_change(hours_ago=hour), history=memory.history).ended(Outcome.APPLIED)

    assert [NOON - timedelta(hours=hour) for hour in range(1, 11)] == [change.at for change in memory.history]
    assert memory.change == memory.history[0]


def test_an_ended_change_takes_the_recommendation_with_it() -> None:
    """What was recommended has been done, or cannot be."""
    ended = Memory(change=a_change(), recommended=a_configuration()).ended(Outcome.ABANDONED)

    assert ended.recommended is None
    assert ended.change is not None
    assert Outcome.ABANDONED is ended.change.outcome
    assert Memory() == Memory().ended(Outcome.APPLIED)


@pytest.mark.parametrize(
    ("expected", "history"),
    [
        pytest.param(0, (), id="none"),
        pytest.param(1, (a_change(hours_ago=23.99),), id="a minute short of a day ago"),
        pytest.param(0, (a_change(hours_ago=24),), id="exactly a day ago"),
        pytest.param(2, (a_change(outcome=Outcome.ABANDONED), a_change(hours_ago=1)), id="an abandoned one may have rolled out too"),
    ],
)
def test_p4_changes_of_a_day(expected: int, history: tuple[Change, ...]) -> None:
    """Every change that was begun counts."""
    assert expected == Memory(history=history).changes_since(NOON, timedelta(days=1))


@pytest.mark.parametrize(
    ("expected", "slow_for"),
    [
        pytest.param(0.01, timedelta(hours=24), id="for a day: it may still pass"),
        pytest.param(0.03, timedelta(hours=24, seconds=1), id="for longer: it is the usual pace"),
    ],
)
def test_a_night_of_cheap_queries_is_forgotten(expected: float, slow_for: timedelta) -> None:
    """A floor that no ordinary day reaches would call the database saturated for ever."""
    memory = Memory(bottleneck=Bottleneck.DATABASE_SATURATED, since=NOON - slow_for, query_floor_s=0.01)

    assert expected == memory.querying(0.03, NOON).query_floor_s
