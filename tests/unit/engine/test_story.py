"""The story of one API, sweep by sweep: seen, diagnosed, recommended, changed, kept; and not a word too many on the way."""

import random
from typing import Any

import pytest

from apituner.core.snapshot import Absence, Signal
from apituner.engine.registry import Kind
from builders import a_configuration
from fakes import World

FIXED = a_configuration(2, 1, 5)
"""What a starved pool of two becomes."""


async def test_recommend_says_what_it_would_do_and_does_nothing() -> None:
    """The recommendation stands in the status with forecast and rejected alternatives; the Deployment is not touched."""
    world = World()
    world.deploy()
    world.tune(mode="Recommend")

    await world.run(10)

    assert world.decision() == ("Recommend", "PoolStarved")
    recommendation = world.status()["recommendation"]
    assert tuple(recommendation[name] for name in ("replicas", "workers", "poolSize", "maxOverflow")) == (2, 1, 5, 0)
    assert recommendation["steps"] == ["roll out 1 workers x pool 5, overflow 0"]
    assert recommendation["rejected"]
    assert world.status()["summary"] == {"replicas": "2", "workers": "1", "pool": "2→5", "latency": "902ms", "objective": "250ms"}
    assert world.condition("TuningHelps")[:2] == ("True", "BetterSettingKnown")
    assert world.deployments["orders"].written == []
    assert world.told() == ["Recommended"]


async def test_auto_changes_once_and_then_keeps() -> None:
    """One rollout, noted as better with its before and after; then the objective is met and nothing more happens."""
    world = World()
    deployment = world.deploy()
    world.tune()

    await world.run(30)

    assert deployment.written == ["roll out 1 workers x pool 5, overflow 0"]
    assert deployment.template == FIXED
    assert world.decision() == ("Keep", "NothingWrong")
    change = world.status()["lastChange"]
    assert (change["outcome"], change["reason"], change["from"]["poolSize"], change["to"]["poolSize"]) == ("Improved", "PoolStarved", 2, 5)
    assert [change["plan"]] == [one["plan"] for one in world.status()["history"]]
    assert world.condition("ObjectiveMet")[:2] == ("True", "Met")
    assert world.told() == ["ChangeBegun", "ChangeImproved"]


async def test_a_bottleneck_must_last_before_anything_is_changed() -> None:
    """A burst of one sweep leads to nothing."""
    world = World()
    deployment = world.deploy(rps=40)
    world.tune()
    await world.run(4)
    deployment.rps = 90
    await world.run(1)
    deployment.rps = 40
    await world.run(20)

    assert deployment.written == []


@pytest.mark.parametrize(
    "spec",
    [pytest.param({"suspend": True}, id="suspended"), pytest.param({"mode": "Recommend"}, id="only recommending")],
)
async def test_nothing_is_written_without_leave(spec: dict[str, Any]) -> None:
    """Whatever is wrong, only Auto without suspend acts."""
    world = World()
    deployment = world.deploy()
    world.tune(**spec)

    await world.run(15)

    assert deployment.written == []
    assert world.decision()[0] == "Recommend"


async def test_leave_withdrawn_stops_a_change_where_it_is() -> None:
    """A change on its way ends as abandoned at the next sweep."""
    world = World()
    deployment = world.deploy()
    world.tune()
    await world.run(3)
    assert len(deployment.written) == 1
    world.change(suspend=True)

    await world.run(2)

    assert world.status()["lastChange"]["outcome"] == "Abandoned"
    assert "ChangeAbandoned" in world.told()


async def test_a_knob_that_is_not_named_is_never_touched() -> None:
    """With replicas alone a starved pool is cured by pods, or not at all."""
    world = World()
    deployment = world.deploy()
    world.tune(knobs={"replicas": {"min": 2, "max": 8}})

    await world.run(30)

    assert (deployment.template.workers, deployment.template.pool_size, deployment.template.max_overflow) == (1, 2, 0)


async def test_a_blocked_loop_is_named_and_nothing_is_bought() -> None:
    """Tuning cannot help: the advice stands in the condition, one Event tells it, the Deployment stays."""
    world = World()
    deployment = world.deploy(readings={"loop_blocked_ratio": 0.4, "loop_lag_p99_s": 0.5})
    world.tune()

    await world.run(15)

    assert deployment.written == []
    status, reason, message = world.condition("TuningHelps")
    assert (status, reason) == ("False", "LoopBlocked")
    assert "asyncio.to_thread" in message
    assert world.told() == ["LoopBlocked"]


async def test_no_status_is_written_while_nothing_is_new() -> None:
    """Over a hundred sweeps whose figures flicker by a tenth, a settled API and its budget cost the API server no write."""
    world, dice = World(), random.Random(7)  # noqa: S311 - flicker, not secrets
    deployment = world.deploy(at=FIXED)
    world.tune(budget="db")
    world.budget(90)
    await world.run(4)
    world.writes.clear()

    for _ in range(100):
        around = {"requests_rps": 90.0, "latency_mean_s": 0.05, "latency_objective_s": 0.1, "query_mean_s": 0.036, "in_flight": 60.0}
        deployment.readings = {name: value * dice.uniform(0.9, 1.1) for name, value in around.items()}
        deployment.readings["query_mean_s"] = max(0.0345, deployment.readings["query_mean_s"])
        await world.run(1)

    assert world.writes == {}


async def test_a_standing_recommendation_costs_no_write() -> None:
    """A starved API that may not be changed is told once, though its figures move."""
    world, dice = World(), random.Random(7)  # noqa: S311 - flicker, not secrets
    deployment = world.deploy()
    world.tune(mode="Recommend")
    await world.run(5)
    world.writes.clear()

    for _ in range(100):
        deployment.readings = {"requests_rps": 90 * dice.uniform(0.97, 1.03), "pool_wait_mean_s": 0.35 * dice.uniform(0.95, 1.05)}
        await world.run(1)

    assert world.writes == {}


async def test_a_figure_that_moves_markedly_is_told() -> None:
    """A fifth more, and more than a handful, is news."""
    world = World()
    deployment = world.deploy(at=FIXED)
    world.tune()
    await world.run(3)
    world.writes.clear()
    deployment.readings = {"latency_objective_s": 0.2}

    await world.run(3)

    assert world.writes == {"orders": 1}
    assert world.status()["observed"]["latencyMilliseconds"] == 202


async def test_a_signal_that_vanishes_is_absent_in_the_status_and_not_zero() -> None:
    """The last known figure would look like news of now, and zero like a healthy API."""
    world = World()
    deployment = world.deploy(at=FIXED)
    world.tune()
    await world.run(2)
    deployment.absent = {Signal.QUERY_MEAN_S: Absence.NOT_A_NUMBER}

    await world.run(1)

    assert "queryMilliseconds" not in world.status()["observed"]


async def test_a_new_spec_is_answered_by_its_generation() -> None:
    """`kubectl wait` can tell an old answer from a new one."""
    world = World()
    world.deploy(at=FIXED)
    world.tune(budget="db")
    world.budget(90)
    await world.run(2)
    world.change(mode="Recommend")
    world.change("db", Kind.BUDGET, maxConnections=120)

    await world.run(1)

    assert world.status()["observedGeneration"] == 2
    assert {2} == {one["observedGeneration"] for one in world.status()["conditions"]}
    assert world.status("db", Kind.BUDGET)["limit"] == 110
