"""What outlives a restart is bounded, and is not rewritten for noise."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apituner.core.agreement import Agreement
from apituner.core.change import Change, Figures, Outcome
from apituner.core.configuration import Configuration
from apituner.core.diagnosis import Bottleneck
from apituner.core.memory import Memory
from apituner.core.stabilization import Enough
from builders import NOON, a_configuration


def a_change(*, hours_ago: float = 0, **changes: Any) -> Change:  # noqa: ANN401 - any field of a Change
    """Return a change of the pool."""
    change = Change(
        plan="a1b2c3d4",
        at=NOON - timedelta(hours=hours_ago),
        reason="PoolStarved",
        because="a wait",
        outcome=Outcome.APPLYING,
        before=a_configuration(),
        target=a_configuration(pool_size=6),
    )
    return replace(change, **changes)


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
        pytest.param(0.001235, None, 0.0012345678, id="kept as the status keeps it"),
        pytest.param(1e-6, None, 1e-9, id="but never as nothing"),
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
    assert memory.change is not None
    assert memory.change.past == memory.history[0]


def test_an_ended_change_takes_the_recommendation_with_it() -> None:
    """What was recommended has been done, or cannot be."""
    ended = Memory(change=a_change(), recommended=a_configuration()).ended(Outcome.ABANDONED)

    assert ended.recommended is None
    assert ended.change is not None
    assert Outcome.ABANDONED is ended.change.outcome
    assert Memory() == Memory().ended(Outcome.APPLIED)


MORE = a_configuration(4)


@pytest.mark.parametrize(
    ("expected", "memory"),
    [
        pytest.param(0, Memory(), id="none"),
        pytest.param(1, Memory(history=(a_change(hours_ago=23.99),)), id="a minute short of a day ago"),
        pytest.param(0, Memory(history=(a_change(hours_ago=24),)), id="exactly a day ago"),
        pytest.param(
            2,
            Memory(history=(a_change(outcome=Outcome.ABANDONED), a_change(hours_ago=1))),
            id="an abandoned one may have rolled out too",
        ),
        pytest.param(1, Memory(change=a_change(), rollouts=(NOON,)), id="the one on its way is counted once"),
        pytest.param(0, Memory(change=a_change(target=MORE), history=(a_change(target=MORE),)), id="pods that come and go are no rollouts"),
        pytest.param(2, Memory(rollouts=(NOON, NOON - timedelta(hours=1))), id="those that the history has lost count too"),
    ],
)
def test_p4_rollouts_of_a_day(expected: int, memory: Memory) -> None:
    """What counts against the limit is every rollout that was begun within 24 hours."""
    assert expected == memory.rollouts_since(NOON, timedelta(days=1))


def test_p4_pods_that_come_and_go_do_not_make_rollouts_forgotten() -> None:
    """The history keeps ten changes; the pace of rollouts is kept beside it."""
    memory = Memory().begun(a_change(hours_ago=1)).ended(Outcome.IMPROVED)
    for _ in range(12):
        memory = memory.begun(a_change(target=MORE)).ended(Outcome.APPLIED)

    assert not any(change.rolls_out for change in memory.history)
    assert memory.rollouts_since(NOON, timedelta(days=1)) == 1


def test_p4_one_change_at_a_time() -> None:
    """A change that was waiting for its judgement ends without one when another begins, and both are in the history."""
    waiting = Memory().begun(a_change(hours_ago=1, outcome=Outcome.SETTLING))
    both = waiting.begun(a_change(target=MORE)).ended(Outcome.IMPROVED)

    assert waiting.under_way == waiting.change
    assert (Outcome.IMPROVED, Outcome.APPLIED) == tuple(change.outcome for change in both.history)
    assert (both.under_way, Memory().under_way) == (None, None)


def test_what_must_not_be_done_leaves_no_trace() -> None:
    """A change that somebody forbids after it was decided is neither counted nor blocked; what was seen is kept."""
    earlier = Memory().recommending(a_configuration(2, pool_size=6), a_configuration(4), NOON, NOON)
    decided = earlier.seeing(Bottleneck.POOL_STARVED, NOON).blocking(a_change(), NOON).begun(a_change())

    assert earlier.seeing(Bottleneck.POOL_STARVED, NOON) == decided.undecided(earlier)


def test_what_was_judged_better_is_known_good() -> None:
    """Also what met the objective; anything else leaves the last one standing."""
    better = Memory().begun(a_change()).ended(Outcome.IMPROVED, 0.08)

    assert a_configuration(pool_size=6) == better.last_known_good
    assert better.last_known_good == better.begun(a_change(target=MORE)).ended(Outcome.WORSE).last_known_good
    assert better.doing_well(MORE).last_known_good == MORE
    assert better.change is not None
    assert better.change.outcome_latency_s == 0.08


def test_a_recommendation_gathers_evidence() -> None:
    """What windows agree on, and how few pods would be enough; nothing recommended, or nothing seen, and it begins anew."""
    here, target = a_configuration(4), a_configuration(2, pool_size=6)
    memory = Memory().recommending(target, here, NOON, NOON).recommending(target, here, NOON + timedelta(minutes=5), NOON)

    assert memory.recommended == target
    assert memory.agreement == Agreement(target=target, since=NOON)
    assert memory.stair == (Enough(replicas=2, since=NOON),)
    assert (memory.enough(NOON + timedelta(minutes=5)), memory.enough(NOON)) == (2, None)
    for bare in (memory.recommending(None, here, NOON, NOON), memory.unseeing(NOON)):
        assert (bare.recommended, bare.agreement, bare.stair) == (None, None, ())
    assert memory.recommending(a_configuration(3), here, NOON, NOON).agreement is None


def test_a_rollout_makes_evidence_about_pods_void_and_their_number_does_not() -> None:
    """A pod of another template serves another load."""
    memory = Memory(stair=(Enough(replicas=1, since=NOON),))

    assert memory.begun(a_change()).stair == ()
    assert memory.begun(a_change(target=a_configuration(1))).stair == memory.stair


def test_p4_what_made_things_worse_is_blocked() -> None:
    """For an hour; another point is not."""
    memory = Memory().blocking(a_change(), NOON)
    target = a_configuration(pool_size=6)

    assert memory.blocked(a_configuration(), target, NOON + timedelta(minutes=59)) is not None
    assert memory.blocked(a_configuration(), target, NOON + timedelta(minutes=60)) is None
    assert memory.blocked(a_configuration(), a_configuration(pool_size=12), NOON) is None


def test_a_change_as_history_keeps_what_came_of_it() -> None:
    """Not what it needed on its way."""
    figures = Figures.rounded(arrivals_rps=90, latency_s=0.9, errors_ratio=0)
    change = a_change(seen_before=figures, forecast_latency_s=0.1, outcome_latency_s=0.08, through=2, peak=16, template_hash="abc")

    assert a_change(because="", forecast_latency_s=0.1, outcome_latency_s=0.08) == change.past


@pytest.mark.parametrize(
    ("expected", "forecast_s", "outcome_s"),
    [
        pytest.param(0.25, 0.1, 0.08, id="a quarter too slow"),
        pytest.param(0.5, 0.1, 0.2, id="half as slow as it came"),
        pytest.param(None, None, 0.08, id="nothing was forecast"),
        pytest.param(None, 0.1, None, id="nothing came yet"),
        pytest.param(None, 0.1, 0.0, id="nothing to compare with"),
    ],
)
def test_p11_the_error_of_a_forecast(expected: float | None, forecast_s: float | None, outcome_s: float | None) -> None:
    """As a share of what came."""
    found = a_change(forecast_latency_s=forecast_s, outcome_latency_s=outcome_s).forecast_error

    assert pytest.approx(expected) == found if expected is not None else found is None


@pytest.mark.parametrize(
    ("expected", "forecast_s"),
    [
        pytest.param(0.123, 0.1234, id="whole milliseconds"),
        pytest.param(None, float("inf"), id="an overload has no figure"),
        pytest.param(None, None, id="none"),
    ],
)
def test_p6_a_forecast_is_kept_as_the_status_keeps_it(expected: float | None, forecast_s: float | None) -> None:
    """So that a restart finds the same number."""
    assert expected == a_change(forecast_latency_s=forecast_s).rounded().forecast_latency_s


@pytest.mark.parametrize(
    ("expected", "target", "replicas"),
    [
        pytest.param(6, MORE, 6, id="more pods than it set out for"),
        pytest.param(4, MORE, 3, id="never fewer"),
        pytest.param(2, a_configuration(pool_size=6), 6, id="a rollout is not amended"),
        pytest.param(1, a_configuration(1), 6, id="nor is giving up pods"),
    ],
)
def test_p4_only_growth_is_amended_and_only_upwards(expected: int, target: Configuration, replicas: int) -> None:
    """While it is under way."""
    assert expected == a_change(target=target).grown_to(replicas).target.replicas
