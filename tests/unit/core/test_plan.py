"""The way from one configuration to another: safe steps in a safe order, one write each."""

import pytest
from hypothesis import given

from apituner.core.configuration import Configuration, connections_at_peak
from apituner.core.plan import Rollout, Scale, Step, after, next_step, plan
from builders import a_configuration
from strategies import configurations


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
    """More pods first, then the new template, fewer pods last."""
    assert expected == [str(step) for step in plan(before, target, engines=1, because="").steps]


@given(configurations(), configurations())
def test_every_plan_arrives_with_at_most_one_rollout_and_one_scale(before: Configuration, target: Configuration) -> None:
    """Carrying out the steps leads to the target, whichever two configurations it joins."""
    way, here = plan(before, target, engines=2, because=""), before
    for step in way.steps:
        here = after(here, step)

    assert target == here
    assert len({type(step) for step in way.steps}) == len(way.steps) <= 2
    assert connections_at_peak(before, target, 2) == way.connections_at_peak


@given(configurations(), configurations())
def test_p6_what_is_due_depends_on_nothing_but_here_and_target(before: Configuration, target: Configuration) -> None:
    """A restart after any step finds the rest of the same plan."""
    steps, here = plan(before, target, engines=1, because="").steps, before
    for index, step in enumerate(steps):
        assert steps[index:] == plan(here, target, engines=1, because="").steps
        assert step == next_step(here, target)
        here = after(here, step)
    assert next_step(here, target) is None


@given(configurations(), configurations())
def test_no_step_serves_with_fewer_pods_before_the_last(before: Configuration, target: Configuration) -> None:
    """During the rollout there are never fewer pods than before or after."""
    here = before
    for step in plan(before, target, engines=1, because="").steps:
        if isinstance(step, Rollout):
            assert max(before.replicas, target.replicas) == here.replicas
        here = after(here, step)


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
