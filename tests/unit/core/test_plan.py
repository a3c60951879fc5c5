"""The way from one configuration to another: safe steps in a safe order, one write each."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apituner.core.configuration import Configuration, Knob, connections_at_peak
from apituner.core.peak import step_peak
from apituner.core.plan import NoOrderFits, Plan, Rollout, Scale, Step, after, next_step, plan, plan_within
from apituner.core.policy import Bounds, ConnectionLimit
from apituner.core.room import Room, room_for
from apituner.core.strategy import Strategy
from apituner.core.workload import Autoscaler
from builders import a_configuration, a_policy, a_workload
from deploymentcontroller import Controller
from strategies import configurations

PACED = Strategy(max_surge="0", max_unavailable="1", min_ready_s=36)
ANY = Bounds(least=1, most=50)


def a_room(connections: int | None = None, **changes: Any) -> Room:  # noqa: ANN401 - any field of a Room
    """Return room for so many connections under Kubernetes' default strategy."""
    limit = None if connections is None else ConnectionLimit(connections=connections, because="100 less 3 reserved")
    return Room(**{"strategy": Strategy(), "limit": limit, "bounds": ANY, **changes})


def within(before: Configuration, target: Configuration, room: Room) -> Plan | NoOrderFits:
    """Plan for one engine a process."""
    return plan_within(before, target, engines=1, because="", room=room)


@pytest.mark.parametrize(
    ("expected", "before", "target"),
    [
        pytest.param([], a_configuration(), a_configuration(), id="there already"),
        pytest.param(["scale to 4 replicas"], a_configuration(), a_configuration(4), id="only pods: no rollout"),
        pytest.param(["roll out 1 workers x pool 6, overflow 0"], a_configuration(), a_configuration(pool_size=6), id="only the pool"),
        pytest.param(
            ["roll out 3 workers x pool 6, overflow 1"],
            a_configuration(),
            a_configuration(workers=3, pool_size=6, max_overflow=1),
            id="workers and pool in one rollout",
        ),
        pytest.param(
            ["scale to 4 replicas", "roll out 1 workers x pool 6, overflow 0"],
            a_configuration(),
            a_configuration(4, pool_size=6),
            id="capacity first",
        ),
        pytest.param(
            ["roll out 2 workers x pool 6, overflow 0", "scale to 2 replicas"],
            a_configuration(4),
            a_configuration(2, workers=2, pool_size=6),
            id="pods are given up last",
        ),
    ],
)
def test_steps(expected: list[str], before: Configuration, target: Configuration) -> None:
    """With room for everything: more pods first, then the new template, fewer pods last."""
    assert expected == [str(step) for step in plan(before, target, engines=1, because="").steps]
    found = within(before, target, a_room())
    assert isinstance(found, Plan)
    assert expected == [str(step) for step in found.steps]


FULL = a_configuration(8, 2, 5)
"""80 of 97 connections."""


@pytest.mark.parametrize(
    ("steps", "peaks", "target", "room"),
    [
        pytest.param(
            ["scale to 5 replicas", "roll out 2 workers x pool 4, overflow 0", "scale to 8 replicas"],
            (80, 5 * (10 + 8), 64),
            a_configuration(8, 2, 4),
            a_room(97),
            id="fewer pods make room for the rollout, and come back after it",
        ),
        pytest.param(
            ["roll out 2 workers x pool 4, overflow 0"],
            (88,),
            a_configuration(8, 2, 4),
            a_room(97, strategy=PACED),
            id="pod by pod it fits",
        ),
        pytest.param(
            ["roll out 2 workers x pool 4, overflow 0", "scale to 12 replicas"],
            (88, 96),
            a_configuration(12, 2, 4),
            a_room(97, strategy=PACED),
            id="shrink before grow: the smaller pools first, then more of them",
        ),
        pytest.param(
            ["scale to 4 replicas", "roll out 4 workers x pool 3, overflow 0"],
            (80, 4 * (10 + 12)),
            a_configuration(4, 4, 3),
            a_room(97),
            id="pods that are to go anyway go first",
        ),
        pytest.param(
            ["scale to 6 replicas", "roll out 4 workers x pool 1, overflow 0", "scale to 4 replicas"],
            (80, 6 * (10 + 4), 6 * 4),
            a_configuration(4, 4, 1),
            a_room(84),
            id="no more of them than must",
        ),
        pytest.param(
            ["scale to 6 replicas"], (80,), a_configuration(6, 2, 5), a_room(10), id="giving up pods opens none, however small the budget"
        ),
    ],
)
def test_p2_where_connections_bind_the_order_makes_room(
    steps: list[str], peaks: tuple[int, ...], target: Configuration, room: Room
) -> None:
    """The most pods with which every step fits; the peak of each step is told, until the old pods have exited."""
    found = within(FULL, target, room)

    assert isinstance(found, Plan)
    assert (steps, peaks) == ([str(step) for step in found.steps], found.peaks)


def test_p2_default_surge_never_rolls_out_a_full_budget() -> None:
    """Eight pods of ten connections out of 97: the surge alone would fit, terminating pods do not; the sentence says what would."""
    found = within(FULL, a_configuration(8, 2, 4), a_room(97, least=8))

    assert isinstance(found, NoOrderFits)
    assert found.connections == 8 * (10 + 8)
    assert "97 are allowed (100 less 3 reserved)" in found.because
    assert "maxSurge 0, maxUnavailable 1 and minReadySeconds 36" in found.because
    assert "it would open 88" in found.because
    assert "a budget that leaves 144" in found.because
    assert "Recreate is no way out" in found.because


@pytest.mark.parametrize(
    "room",
    [
        pytest.param(a_room(87, least=8), id="not even pod by pod"),
        pytest.param(a_room(79, least=8, strategy=Strategy(recreate=True)), id="a strategy that is an outage already"),
    ],
)
def test_only_what_would_fit_is_advised(room: Room) -> None:
    """A strategy that would not fit either is not named; the budget always is."""
    found = within(FULL, a_configuration(8, 2, 6), room)

    assert isinstance(found, NoOrderFits)
    assert "maxSurge" not in found.because
    assert f"a budget that leaves {found.connections}" in found.because
    assert isinstance(within(FULL, a_configuration(8, 2, 6), a_room(found.connections, least=8, strategy=room.strategy)), Plan)


def test_p2_pods_that_are_terminating_already_count() -> None:
    """They hold their connections during the first step, and are gone before the second."""
    found = plan(a_configuration(2, 1, 5), a_configuration(4, 1, 6), engines=1, because="", room=a_room(ending=10))

    assert (found.at_rest, found.peaks, found.connections_at_peak) == (20, (30, 44), 44)
    assert isinstance(within(a_configuration(2, 1, 5), a_configuration(4, 1, 5), a_room(29, ending=10)), NoOrderFits)
    assert isinstance(within(a_configuration(2, 1, 5), a_configuration(4, 1, 5), a_room(30, ending=10)), Plan)


def test_p2_pods_that_an_autoscaler_may_add_count_throughout() -> None:
    """Two pods now, but it may run five at any moment of the rollout: five old ones beside five new ones."""
    before, target = a_configuration(2, 1, 5), a_configuration(2, 1, 6)

    assert plan(before, target, engines=1, because="", room=a_room(autoscaled_to=5)).peaks == (5 * (5 + 6),)
    assert isinstance(within(before, target, a_room(54, bounds=None, autoscaled_to=5)), NoOrderFits)
    assert isinstance(within(before, target, a_room(55, bounds=None, autoscaled_to=5)), Plan)


@pytest.mark.parametrize(
    ("expected", "knobs", "workload"),
    [
        pytest.param(a_room(90, bounds=Bounds(least=2, most=12), least=3), a_policy().knobs, {}, id="at rest"),
        pytest.param(
            a_room(90, bounds=Bounds(least=2, most=12), least=3, ending=2 * 6),
            a_policy().knobs,
            {"terminating_replicas": 2},
            id="two pods are terminating, as dear as any that is known",
        ),
        pytest.param(
            a_room(90, bounds=None, least=3, autoscaled_to=9),
            {Knob.POOL: Bounds(least=2, most=30)},
            {"autoscaler": Autoscaler(kind="HorizontalPodAutoscaler", name="hpa", min_replicas=2, max_replicas=9)},
            id="the pods are an autoscaler's",
        ),
        pytest.param(
            a_room(90, bounds=None, least=3, strategy=PACED),
            {Knob.POOL: Bounds(least=2, most=30)},
            {"strategy": PACED},
            id="the pods are nobody's",
        ),
    ],
)
def test_p2_the_room_of_a_change(expected: Room, knobs: dict[Knob, Bounds], workload: dict[str, Any]) -> None:
    """From the Deployment and the spec as they are now."""
    policy = a_policy(knobs=knobs, connection_limit=expected.limit)

    assert expected == room_for(a_workload(**workload), policy, least=3, known=(a_configuration(), a_configuration(pool_size=6)))


@pytest.mark.parametrize(
    ("least", "bounds"),
    [
        pytest.param(6, ANY, id="six must serve meanwhile"),
        pytest.param(1, Bounds(least=6, most=12), id="fewer than six are out of bounds"),
        pytest.param(1, None, id="the pods are not ours to move"),
    ],
)
def test_p3_no_order_goes_through_fewer_pods_than_allowed(least: int, bounds: Bounds | None) -> None:
    """Five would make room enough."""
    assert isinstance(within(FULL, a_configuration(8, 2, 4), a_room(97)), Plan)
    assert isinstance(within(FULL, a_configuration(8, 2, 4), a_room(97, least=least, bounds=bounds)), NoOrderFits)


def rooms() -> st.SearchStrategy[Room]:
    """Rooms from too small to ample, under every kind of strategy."""
    amounts = st.integers(0, 3).map(str) | st.integers(0, 100).map("{}%".format)
    return st.builds(
        Room,
        strategy=st.builds(
            Strategy,
            recreate=st.sampled_from([False, False, False, True]),
            max_surge=amounts,
            max_unavailable=amounts,
            min_ready_s=st.sampled_from([0.0, 3.0, 6.0, 40.0]),
            grace_s=st.sampled_from([0.0, 2.0, 30.0]),
        ),
        limit=st.none() | st.builds(ConnectionLimit, connections=st.integers(1, 200), because=st.just("the property's")),
        least=st.integers(1, 5),
        bounds=st.none() | st.just(Bounds(least=2, most=4)) | st.just(Bounds(least=1, most=5)),
    )


@settings(max_examples=1000)
@given(configurations(), configurations(), rooms(), st.randoms())
def test_p2_no_step_of_any_plan_exceeds_the_limit(before: Configuration, target: Configuration, room: Room, dice: Any) -> None:  # noqa: ANN401
    """Each step is played through by a controller with arbitrary delays: within the limit at every instant, or opening nothing."""
    found = within(before, target, room)
    if isinstance(found, NoOrderFits):
        assert room.limit is not None
        assert found.connections > room.limit.connections
        return
    here = before
    for step, peak in zip(found.steps, found.peaks, strict=True):
        there, most = after(here, step), here.connections(1)
        if isinstance(step, Rollout):
            old, new = here.connections_per_pod(1), there.connections_per_pod(1)
            most = max(mix.connections(old, new) for mix in Controller(here.replicas, room.strategy).story(dice))
        most = max(most, there.connections(1))
        assert most <= peak
        if room.limit is not None:
            assert most <= max(room.limit.connections, here.connections(1))
        here = there


@settings(max_examples=1000)
@given(configurations(), configurations(), rooms())
def test_p3_a_plan_arrives_and_stays_within_the_bounds(before: Configuration, target: Configuration, room: Room) -> None:
    """At most one rollout; never more pods than at either end, nor fewer than needed; nothing in between is written out of bounds."""
    found = within(before, target, room)
    if isinstance(found, NoOrderFits):
        return
    here, ends = before, (before.replicas, target.replicas)
    for step in found.steps:
        here = after(here, step)
        if isinstance(step, Scale) and room.bounds is not None:
            assert step.replicas == target.replicas or room.bounds.least <= step.replicas <= room.bounds.most
        assert min(*ends, max(room.least, 1)) <= here.replicas <= max(ends)
    assert target == here
    assert sum(isinstance(step, Rollout) for step in found.steps) <= 1
    assert len(found.steps) <= 3
    assert len(found.peaks) == len(found.steps)


@settings(max_examples=1000)
@given(configurations(), configurations(), rooms())
def test_the_order_is_the_one_with_the_most_pods_that_fits(before: Configuration, target: Configuration, room: Room) -> None:
    """As if all of them were tried one after the other; the refusal names the least budget that would do for any of them."""
    most = max(before.replicas, target.replicas)
    throughs = [most]
    if room.bounds is not None and not before.same_template(target):
        allowed = {before.replicas, *range(room.bounds.least, room.bounds.most + 1)}
        throughs += [pods for pods in range(most - 1, room.least - 1, -1) if pods in allowed]
    orders = [plan(before, target, engines=1, because="", room=room, through=pods) for pods in throughs]
    fitting = [order for order in orders if room.limit is None or order.opens <= room.limit.connections]
    found = within(before, target, room)

    if isinstance(found, Plan):
        assert fitting[0] == found
    else:
        assert not fitting
        assert min(order.opens for order in orders) == found.connections


@settings(max_examples=1000)
@given(configurations(), configurations(), rooms())
def test_p6_a_restart_anywhere_finds_the_rest_of_the_same_plan(before: Configuration, target: Configuration, room: Room) -> None:
    """From the change and the world alone, whether the number of pods that it goes through was written down or is searched anew."""
    found = within(before, target, room)
    if isinstance(found, NoOrderFits):
        return
    here = before
    for index, step in enumerate(found.steps):
        assert step == next_step(here, target, found.through)
        again = within(here, target, room)
        assert isinstance(again, Plan)
        assert found.steps[index:] == again.steps
        here = after(here, step)
        assert here == after(here, step)  # applying twice is applying once
    assert next_step(here, target, found.through) is None


@settings(max_examples=1000)
@given(configurations(), configurations(), st.integers(1, 3))
def test_the_usual_order_never_opens_more_than_all_old_beside_all_new_pods(
    before: Configuration, target: Configuration, engines: int
) -> None:
    """What is told of a step is what it opens, and the worst of it was known before."""
    way, here = plan(before, target, engines=engines, because=""), before
    for step, peak in zip(way.steps, way.peaks, strict=True):
        there = after(here, step)
        assert peak == step_peak(here, there, engines, Strategy())
        if isinstance(step, Rollout):  # never fewer pods than before or after
            assert here.replicas == max(before.replicas, target.replicas)
        here = there
    assert target == here
    assert way.connections_at_peak <= connections_at_peak(before, target, engines)


def test_identity_stands_for_the_change_alone() -> None:
    """The same after a restart and whatever the reason; another for any other change."""
    one = plan(a_configuration(), a_configuration(pool_size=6), engines=1, because="one")
    same = plan(a_configuration(), a_configuration(pool_size=6), engines=2, because="other words")
    others = [
        plan(a_configuration(), a_configuration(pool_size=5, max_overflow=1), engines=1, because="one"),
        plan(a_configuration(3), a_configuration(pool_size=6), engines=1, because="one"),
        plan(a_configuration(pool_size=6), a_configuration(), engines=1, because="one"),
    ]

    assert one.identity == same.identity
    assert len({one.identity, *(other.identity for other in others)}) == 4
    assert len(one.identity) == 8


@pytest.mark.parametrize(
    ("expected", "step"),
    [
        pytest.param(a_configuration(5, workers=2), Scale(replicas=5), id="a scale leaves the template alone"),
        pytest.param(
            a_configuration(3, pool_size=9), Rollout(workers=1, pool_size=9, max_overflow=0), id="a rollout leaves the pods alone"
        ),
    ],
)
def test_after(expected: Configuration, step: Step) -> None:
    """A step moves what it names."""
    assert expected == after(a_configuration(3, workers=2), step)
