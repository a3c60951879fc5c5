"""What a worker costs without requests."""

import random

import pytest

from apituner.core.estimation.idle import IdleCost

_IDLE_CORES, _DEMAND_S = 0.02, 0.004


def _seen(*loads: float, windows: int, noise: float = 0.0) -> IdleCost:
    dice, cost = random.Random(7), IdleCost()  # noqa: S311 - noise, not secrets
    for _ in range(windows):
        for load in loads:
            cost = cost.seeing(load_rps=load, cores=(_IDLE_CORES + _DEMAND_S * load) * dice.gauss(1, noise))
    return cost


def test_a_wide_range_of_loads_tells_the_idle_cost() -> None:
    """From night to noon, with 10 % noise, a worker's 20 millicores are found to 10 %."""
    assert _seen(1, 5, 20, 80, windows=30, noise=0.1).cores == pytest.approx(_IDLE_CORES, rel=0.1)


@pytest.mark.parametrize(
    "cost",
    [
        pytest.param(IdleCost(), id="nothing was seen"),
        pytest.param(_seen(40, windows=50), id="one load alone"),
        pytest.param(_seen(20, 40, windows=50), id="two loads could be any line"),
        pytest.param(_seen(5, 20, 80, windows=6), id="18 windows"),
    ],
)
def test_too_little_tells_no_idle_cost(cost: IdleCost) -> None:
    """Then it counts as part of the requests' own, as without any estimate."""
    assert cost.cores == 0.0


def test_the_idle_cost_is_never_negative_nor_more_than_all_there_was() -> None:
    """A line that crosses below zero has no idle cost; one that falls has at most what the idlest windows showed."""
    convex, falling, none = IdleCost(), IdleCost(), IdleCost()
    for _ in range(10):
        for load in (4.0, 20.0, 80.0):
            convex = convex.seeing(load_rps=load, cores=load**2 / 1e4)
            falling = falling.seeing(load_rps=load, cores=1 / load)
            none = none.seeing(load_rps=load, cores=0.0)

    assert convex.cores == 0.0
    assert falling.cores == pytest.approx(1 / 80)
    assert none.cores == 0.0


def test_it_remembers_a_bounded_number_of_loads() -> None:
    """Of twenty doublings the six seen last."""
    cost = IdleCost()
    for doubling in range(20):
        cost = cost.seeing(load_rps=2.0**doubling, cores=1.0)

    assert len(cost.points) == 6
    assert cost.points[-1][1].load_rps == 2.0**19
