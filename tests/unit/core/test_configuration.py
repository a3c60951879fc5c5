"""Configurations, and what a database sees while one becomes another."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.core.configuration import Configuration, connections_at_peak
from apituner.core.plan import Rollout, after, plan
from builders import a_configuration
from strategies import configurations


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"replicas": -1}, id="fewer than no pods"),
        pytest.param({"workers": 0}, id="a pod without a worker"),
        pytest.param({"pool_size": 0}, id="a pool that SQLAlchemy reads as unlimited"),
        pytest.param({"max_overflow": -1}, id="an overflow that SQLAlchemy reads as unlimited"),
    ],
)
def test_what_is_no_configuration(wrong: dict[str, Any]) -> None:
    """Numbers that mean something else to the program are refused, with the field's name."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        a_configuration(**wrong)


def test_connections_count_every_pool_of_every_process() -> None:
    """Pods x workers x (size + overflow) x engines."""
    here = a_configuration(replicas=4, workers=3, pool_size=5, max_overflow=2)

    assert (here.pool_limit, here.connections_per_pod(2), here.connections(2)) == (7, 42, 168)


def test_no_pods_hold_no_connections() -> None:
    """An API that is switched off is a configuration too."""
    assert a_configuration(replicas=0).connections(1) == 0


@pytest.mark.parametrize(
    ("expected", "before", "after_"),
    [
        pytest.param(8, a_configuration(4), a_configuration(4), id="nothing moves"),
        pytest.param(12, a_configuration(4), a_configuration(6), id="more pods: the larger number"),
        pytest.param(8, a_configuration(4), a_configuration(2), id="fewer pods: those that are there"),
        pytest.param(4 * (2 + 14), a_configuration(4), a_configuration(4, pool_size=14), id="new pods: all old ones beside all new ones"),
        pytest.param(4 * (2 + 14), a_configuration(4), a_configuration(2, pool_size=14), id="a rollout comes before the pods are given up"),
        pytest.param(6 * (2 + 14), a_configuration(4), a_configuration(6, pool_size=14), id="pods come before the rollout"),
        pytest.param(4 * (12 + 2), a_configuration(4, pool_size=2, max_overflow=10), a_configuration(4), id="an overflow counts"),
    ],
)
def test_peak(expected: int, before: Configuration, after_: Configuration) -> None:
    """The peak is a number that can be checked by hand."""
    assert expected == connections_at_peak(before, after_, 1)


@given(configurations(), configurations(), st.integers(1, 3), st.data())
def test_p2_no_mix_of_old_and_new_pods_exceeds_the_peak(
    before: Configuration, target: Configuration, engines: int, data: st.DataObject
) -> None:
    """Walk the plan; in each step any number of old pods, terminating included, beside any number of new ones stays within the peak."""
    peak, here = connections_at_peak(before, target, engines), before
    for step in plan(before, target, engines=engines, because="a property").steps:
        there = after(here, step)
        if isinstance(step, Rollout):  # every old pod may still be terminating when the last new one is ready
            old, new = data.draw(st.integers(0, here.replicas)), data.draw(st.integers(0, there.replicas))
            alive = old * here.connections_per_pod(engines) + new * there.connections_per_pod(engines)
            assert peak >= here.connections(engines) + there.connections(engines)
        else:
            pods = data.draw(st.integers(min(here.replicas, there.replicas), max(here.replicas, there.replicas)))
            alive = pods * there.connections_per_pod(engines)
        assert peak >= alive
        here = there
    assert target == here


@pytest.mark.parametrize(
    ("expected", "other"),
    [
        pytest.param(True, a_configuration(9), id="only the number of pods differs"),
        pytest.param(False, a_configuration(workers=2), id="workers differ"),
        pytest.param(False, a_configuration(pool_size=3), id="the pool differs"),
        pytest.param(False, a_configuration(pool_size=2, max_overflow=1), id="the overflow differs"),
    ],
)
def test_same_template(expected: bool, other: Configuration) -> None:  # noqa: FBT001 - a table's column
    """New pods are needed exactly when a setting of the pod differs."""
    assert expected is a_configuration().same_template(other)


def test_it_reads_as_a_sentence() -> None:
    """Overflow is told only where there is one."""
    assert str(a_configuration()) == "2 replicas x 1 workers x pool 2"
    assert str(a_configuration(max_overflow=10)) == "2 replicas x 1 workers x pool 2+10"
