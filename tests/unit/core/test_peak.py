"""No instant of a step opens more connections than was said, whatever the Deployment controller and the pods do with their freedom."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies  # noqa: F401 - sets the profile of the properties
from apituner.core.configuration import Configuration
from apituner.core.peak import ending_connections, gentle, most_ending, rollout_peak, step_peak
from apituner.core.strategy import Strategy
from builders import a_configuration
from deploymentcontroller import Controller

DEFAULT = Strategy()
PACED = Strategy(max_surge="0", max_unavailable="1", min_ready_s=36)


def rollout_strategies(*, grace_s: int = 40, min_ready_s: int = 60) -> st.SearchStrategy[Strategy]:
    """Strategies of every kind."""
    amounts = st.integers(0, 6).map(str) | st.integers(0, 100).map("{}%".format)
    return st.builds(
        Strategy,
        recreate=st.sampled_from([False, False, False, True]),
        max_surge=amounts,
        max_unavailable=amounts,
        min_ready_s=st.integers(0, min_ready_s).map(float),
        grace_s=st.integers(0, grace_s).map(float),
    )


@pytest.mark.parametrize(
    ("expected", "pods", "old", "new", "strategy"),
    [
        pytest.param(8 * (10 + 8), 8, 10, 8, DEFAULT, id="nothing holds the rollout back: all old pods may still be terminating"),
        pytest.param(8 * 10 + 8, 8, 10, 8, PACED, id="pod by pod, each gone before the next: one pod more than is there"),
        pytest.param(10 + 8 * 12, 8, 10, 12, PACED, id="with larger new pods the last exchange is the dearest"),
        pytest.param(8 * 12, 8, 10, 12, Strategy(recreate=True), id="Recreate waits until all old pods are gone"),
        pytest.param(2 * (10 + 8), 2, 10, 8, Strategy(min_ready_s=10), id="a grace period of three spans touches four of them"),
        pytest.param(0, 0, 10, 8, DEFAULT, id="no pods, no connections"),
    ],
)
def test_p2_a_peak_can_be_checked_by_hand(expected: int, pods: int, old: int, new: int, strategy: Strategy) -> None:
    """Pods, connections of an old and of a new one, and the strategy."""
    assert expected == rollout_peak(pods, old, new, strategy)


@pytest.mark.parametrize(
    ("surge", "unavailable", "strategy"),
    [
        pytest.param(3, 2, Strategy(), id="a quarter of ten, rounded up and down"),
        pytest.param(0, 1, Strategy(max_surge="0", max_unavailable="0"), id="nothing at all could not begin"),
        pytest.param(1, 0, Strategy(max_surge="1%", max_unavailable="1%"), id="a share is at least a pod upwards"),
        pytest.param(0, 10, Strategy(recreate=True), id="Recreate: none too many, all of them missing"),
    ],
)
def test_how_far_a_rollout_may_stray(surge: int, unavailable: int, strategy: Strategy) -> None:
    """From ten pods."""
    assert (surge, unavailable) == (strategy.surge(10), strategy.unavailable(10))


@pytest.mark.parametrize(
    ("expected", "strategy"),
    [
        pytest.param(20, Strategy(), id="without minReadySeconds all at once"),
        pytest.param(20, Strategy(min_ready_s=1), id="the second that a Ready condition loses leaves none"),
        pytest.param(1, PACED, id="longer than a pod takes to end: one wave"),
        pytest.param(2, Strategy(max_surge="0", max_unavailable="1", min_ready_s=35), id="exactly as long: the next wave may begin"),
        pytest.param(10, Strategy(min_ready_s=36), id="a wave is surge and unavailable together"),
        pytest.param(20, Strategy(min_ready_s=10), id="never more than there are"),
    ],
)
def test_p2_waves_of_terminating_pods(expected: int, strategy: Strategy) -> None:
    """Of twenty pods, with 30 s of grace and 4 s of delay."""
    assert expected == most_ending(20, strategy)


@pytest.mark.parametrize("pods", [1, 2, 3])
@pytest.mark.parametrize(("surge", "unavailable"), [("0", "1"), ("1", "0"), ("1", "1"), ("25%", "25%"), ("100%", "0"), ("0", "100%")])
@pytest.mark.parametrize("min_ready_s", [0, 1, 2, 3, 5, 6, 7])
def test_p2_the_peak_is_exactly_what_the_worst_rollout_reaches(pods: int, surge: str, unavailable: str, min_ready_s: int) -> None:
    """Every interleaving of a small rollout, tried out: none exceeds the peak, and one reaches it."""
    strategy = Strategy(max_surge=surge, max_unavailable=unavailable, min_ready_s=min_ready_s, grace_s=0)
    for old, new in ((1, 1), (1, 3), (3, 1)):
        assert rollout_peak(pods, old, new, strategy) == Controller(pods, strategy).dearest(old, new)


@pytest.mark.parametrize("pods", [1, 3])
def test_p2_recreate_never_mixes(pods: int) -> None:
    """The worst rollout by Recreate holds the larger of the two."""
    strategy = Strategy(recreate=True, grace_s=0)
    for old, new in ((1, 3), (3, 1)):
        assert rollout_peak(pods, old, new, strategy) == Controller(pods, strategy).dearest(old, new)


@settings(max_examples=1000)
@given(strategy=rollout_strategies(), pods=st.integers(1, 12), old=st.integers(1, 40), new=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_p2_no_rollout_exceeds_its_peak(strategy: Strategy, pods: int, old: int, new: int, seed: int) -> None:
    """Larger rollouts with delays thrown by dice: slow starts, slow exits, a controller that dawdles or hurries."""
    peak = rollout_peak(pods, old, new, strategy)
    for mix in Controller(pods, strategy).story(random.Random(seed)):  # noqa: S311 - delays, not secrets
        assert mix.connections(old, new) <= peak


@settings(max_examples=1000)
@given(strategy=rollout_strategies(), pods=st.integers(1, 50), old=st.integers(1, 40), new=st.integers(1, 40))
def test_p2_the_gentle_strategy_is_the_least_that_no_outage_needs(strategy: Strategy, pods: int, old: int, new: int) -> None:
    """It never opens more than any other that keeps pods running, and all old beside all new pods are the most of all."""
    peak = rollout_peak(pods, old, new, strategy)

    assert peak <= pods * (old + new)
    if not strategy.recreate:
        assert rollout_peak(pods, old, new, gentle(strategy)) <= peak


@pytest.mark.parametrize(
    ("expected", "terminating", "known"),
    [
        pytest.param(0, 0, [a_configuration()], id="none"),
        pytest.param(2 * 12, 2, [a_configuration(), a_configuration(workers=2, pool_size=3)], id="as dear as any that is known of"),
        pytest.param(0, 2, [], id="nothing is known"),
    ],
)
def test_p2_what_terminating_pods_hold(expected: int, terminating: int, known: list[Configuration]) -> None:
    """Two engines a process."""
    assert expected == ending_connections(terminating, known, 2)


@pytest.mark.parametrize(
    ("expected", "before", "after"),
    [
        pytest.param(12, a_configuration(4), a_configuration(6), id="more pods: the larger number"),
        pytest.param(8, a_configuration(4), a_configuration(2), id="fewer pods: those that are there, until they exit"),
        pytest.param(4 * (2 + 14), a_configuration(4), a_configuration(4, pool_size=14), id="a rollout"),
    ],
)
def test_the_peak_of_a_step(expected: int, before: Configuration, after: Configuration) -> None:
    """Pods or template."""
    assert expected == step_peak(before, after, 1, DEFAULT)
