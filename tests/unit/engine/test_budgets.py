"""One database, several APIs: in no second do their pods, old, new and stopping, hold more connections than the budget grants."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apituner.core.configuration import Configuration
from apituner.core.snapshot import Absence, Unobserved
from apituner.core.workload import TargetFault
from apituner.engine.registry import Kind
from builders import a_configuration
from fakes import World

DOWN = Unobserved(reason=Absence.UNREACHABLE, because="Prometheus does not answer")


def _granted(world: World) -> dict[str, tuple[int, int]]:
    return {one["name"]: (one["connections"], one["atPeak"]) for one in world.status("db", Kind.BUDGET)["granted"]}


async def test_two_that_want_to_grow_in_one_sweep_share_what_there_is() -> None:
    """Each change fits alone, both together do not: one goes, the other waits for it, and the limit holds in every second."""
    world = World()
    for name in ("anvil", "orders"):
        world.deploy(name)
        world.tune(name, budget="db")
    world.budget(20)

    await world.run(3)

    assert sum(bool(one.written) for one in world.deployments.values()) == 1
    await world.run(24)
    assert world.connections_most <= 20
    assert world.condition("Ready", "db", Kind.BUDGET)[:2] == ("True", "Fits")


async def test_a_budget_tells_who_holds_what() -> None:
    """The grants follow the changes; before the write of a change its peak stands there."""
    world = World()
    world.deploy()
    world.tune(budget="db")
    world.budget(30)
    await world.run(2)
    assert _granted(world) == {"orders": (4, 4)}

    await world.run(1)
    assert _granted(world) == {"orders": (4, 14)}
    assert tuple(world.status("db", Kind.BUDGET)[name] for name in ("limit", "free")) == (30, 16)
    await world.run(10)

    assert _granted(world) == {"orders": (10, 10)}
    assert world.status("db", Kind.BUDGET)["free"] == 20


async def test_no_false_alarm_during_a_change_that_fits() -> None:
    """A rollout that was granted never shows as overdrawn, at whichever second it is looked at."""
    world = World()
    world.deploy()
    world.tune(budget="db")
    world.budget(14)
    await world.run(2)

    for _ in range(70):
        await world.sweep()
        assert world.condition("WithinBudget")[0] == "True"
        assert world.condition("Ready", "db", Kind.BUDGET)[0] == "True"
        world.advance(1)

    assert a_configuration(2, 1, 5) == world.deployments["orders"].template


async def test_grants_outlive_a_restart_with_the_metrics_down() -> None:
    """What the other one may hold is known from the budget's status, so its connections are not given away."""
    world = World()
    world.deploy("anvil", at=a_configuration(2, 1, 8), rps=40)
    world.tune("anvil", budget="db", mode="Recommend")
    world.budget(24)
    await world.run(2)
    world.deploy("orders")
    world.tune("orders", budget="db")
    world.restart()
    world.unobserved["anvil"] = DOWN

    await world.run(20)

    assert _granted(world)["anvil"] == (16, 16)
    assert world.connections_most <= 24
    assert world.deployments["orders"].written == []


async def test_a_grant_is_known_though_the_watch_is_lost() -> None:
    """What was granted since nobody heard of it any more is not given away when its holder cannot be seen."""
    world = World()
    world.deploy("anvil")
    world.tune("anvil", budget="db")
    world.budget(24)
    await world.run(1)
    world.watched = False
    await world.run(10)
    assert _granted(world)["anvil"] == (10, 10)
    world.unobserved["anvil"] = DOWN

    await world.run(3)

    assert _granted(world)["anvil"] == (10, 10)


async def test_an_api_that_was_never_seen_stops_the_growth_of_the_others() -> None:
    """Nothing is known of it, so nobody grows; the budget names it, and it passes by itself."""
    world = World()
    world.deploy()
    world.tune(budget="db")
    world.deploy("carts", rps=40)
    world.tune("carts", budget="db")
    world.budget(90)
    world.faults["carts"] = TargetFault(reason="Forbidden", because="the operator may not get deployments")

    await world.run(10)

    assert world.deployments["orders"].written == []
    status, reason, message = world.condition("Ready", "db", Kind.BUDGET)
    assert (status, reason) == ("Unknown", "HoldingUnknown")
    assert "carts" in message
    world.faults.clear()
    await world.run(10)
    assert len(world.deployments["orders"].written) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param({"faults": KeyError("bug")}, id="reading it raises"),
        pytest.param({"spec": True}, id="its spec is refused"),
        pytest.param({"faults": TargetFault(reason="Forbidden", because="no")}, id="it may not be read"),
    ],
)
async def test_what_cannot_be_followed_keeps_its_grant(spoil: dict[str, Any]) -> None:
    """Its pods hold their connections all the same: another one must not be given them."""
    world = World()
    world.deploy("carts", at=a_configuration(2, 1, 9), rps=40)
    world.tune("carts", budget="db", mode="Recommend")
    world.budget(24)
    await world.run(2)
    if "faults" in spoil:
        world.faults["carts"] = spoil["faults"]
    else:
        world.change("carts", fromTheFuture=True)
    world.deploy()
    world.tune(budget="db")

    await world.run(20)

    assert _granted(world)["carts"] == (18, 18)
    assert world.connections_most <= 24


async def test_an_overdrawn_budget_is_told_and_nobody_grows() -> None:
    """Together they hold more than there is: both say so, and the budget by how many."""
    world = World()
    for name in ("anvil", "orders"):
        world.deploy(name)
        world.tune(name, budget="db")
    world.budget(7)

    await world.run(20)

    assert all(not one.written for one in world.deployments.values())
    assert world.condition("Ready", "db", Kind.BUDGET) == (
        "False",
        "BudgetOverdrawn",
        "the APIs may together hold 1 connections more than the limit",
    )
    assert world.status("db", Kind.BUDGET)["free"] == -1
    assert {"BudgetOverdrawn"} == {world.condition("WithinBudget", name)[1] for name in ("anvil", "orders")}


async def test_a_budget_that_cannot_be_written_stops_nobody() -> None:
    """One budget's status raises; the other budget's is written, and the sweep counts one fault."""
    world = World()
    world.budget(90, "aaa")
    world.budget(90, "bbb")
    world.statuses_refused["aaa"] = RuntimeError("bug")

    tally = await world.sweep()

    assert tally.faults == 1
    assert world.status("bbb", Kind.BUDGET)["limit"] == 90


@dataclass(frozen=True)
class Api:
    """One API of the property: how it begins, its load, and when which load follows."""

    begins: Configuration
    loads: tuple[int, int]
    turns_at: int
    drain_s: int


_APIS = st.builds(
    Api,
    begins=st.builds(a_configuration, st.integers(2, 3), st.just(1), st.integers(2, 10)),
    loads=st.tuples(st.sampled_from([25, 90, 200]), st.sampled_from([25, 90, 200])),
    turns_at=st.integers(5, 25),
    drain_s=st.sampled_from([0, 20, 50]),
)


@settings(max_examples=8, deadline=None)
@given(
    apis=st.lists(_APIS, min_size=2, max_size=3),
    slack=st.integers(0, 30),
    restarts=st.sets(st.integers(0, 39), max_size=3),
    deaths=st.lists(st.integers(0, 9), max_size=2),
    outage=st.tuples(st.integers(0, 2), st.integers(4, 30)),
)
async def test_the_budget_holds_in_every_second(
    apis: list[Api], slack: int, restarts: set[int], deaths: list[int], outage: tuple[int, int]
) -> None:
    """Loads turn, the operator is restarted and killed, one API's metrics go for a while: the sum of all pods stays within the limit."""
    world = World()
    limit = sum(one.begins.connections(1) for one in apis) + slack
    world.budget(limit)
    for number, one in enumerate(apis):
        world.deploy(f"api{number}", at=one.begins, rps=one.loads[0], drain_s=one.drain_s)
        knobs = {
            "replicas": {"min": 2, "max": 4},
            "workers": {"min": 1, "max": 1},
            "pool": {"min": 2, "max": 16, "sizeEnv": "SIZE", "overflowEnv": "OVER"},
        }
        world.tune(f"api{number}", budget="db", knobs=knobs, rollout={"cooldownSeconds": 30, "maxPerDay": 10})
    for sweep in range(40):
        if sweep in restarts:
            world.restart()
        for number, one in enumerate(apis):
            world.deployments[f"api{number}"].rps = one.loads[sweep >= one.turns_at]
        world.unobserved = {f"api{outage[0]}": DOWN} if outage[1] <= sweep < outage[1] + 6 else {}
        if deaths and sweep % 10 == 5:
            world.killed_at = deaths.pop()
        await world.run_killed(1)
        assert world.connections_most <= limit
