"""Many objects, one sweep: whatever happens to one of them costs the others nothing."""

from typing import Any

import pytest

from apituner.core.workload import TargetFault
from apituner.engine.registry import Kind
from apituner.ports import NotWritten
from builders import a_configuration
from fakes import World

FIXED = a_configuration(2, 1, 5)


def _three() -> World:
    world = World()
    for name in ("anvil", "orders", "zebra"):
        world.deploy(name)
        world.tune(name)
    return world


def _raise_in_read(world: World) -> None:
    world.faults["orders"] = KeyError("metadata")


def _raise_in_step(world: World) -> None:
    world.steps_refused["orders"] = RuntimeError("bug")


def _raise_in_status(world: World) -> None:
    world.statuses_refused["orders"] = RuntimeError("bug")


def _spoil_status(world: World) -> None:
    nonsense = {"replicas": 0, "workers": 0, "poolSize": 0, "maxOverflow": -7}
    change = {
        "plan": "p",
        "at": "2026-11-23T11:00:00Z",
        "reason": "r",
        "because": "",
        "outcome": "Applying",
        "from": nonsense,
        "to": nonsense,
    }
    world.objects[Kind.TUNING, "orders"]["status"] = {"lastChange": change}


def _fault(world: World) -> None:
    world.faults["orders"] = TargetFault(reason="TargetNotFound", because="there is none; create it")


def _refuse_step(world: World) -> None:
    world.steps_refused["orders"] = NotWritten(reason="Forbidden", because="the operator may not; helm upgrade restores the role")


def _refuse_status(world: World) -> None:
    world.statuses_refused["orders"] = NotWritten(reason="StatusNotWritten", because="503")


def _refuse_spec(world: World) -> None:
    world.change(fromTheFuture=True)


def _spoil_spec(world: World) -> None:
    world.objects[Kind.TUNING, "orders"]["spec"] = {"connectionBudgetRef": "text"}


@pytest.mark.parametrize(
    ("spoil", "faults"),
    [
        pytest.param(_raise_in_read, 1, id="reading raises"),
        pytest.param(_raise_in_step, 1, id="writing the Deployment raises"),
        pytest.param(_raise_in_status, 1, id="writing the status raises"),
        pytest.param(_spoil_status, 1, id="the status holds nonsense"),
        pytest.param(_fault, 0, id="the Deployment is gone"),
        pytest.param(_refuse_step, 0, id="the step is refused"),
        pytest.param(_refuse_status, 0, id="the status is refused"),
        pytest.param(_refuse_spec, 0, id="the spec is refused"),
        pytest.param(_spoil_spec, 0, id="the spec is nonsense"),
    ],
)
async def test_one_that_fails_never_stops_the_others(spoil: Any, faults: int) -> None:  # noqa: ANN401 - a function above
    """The ones before and after it in the sweep are tuned as if it were not there; only bugs count as faults."""
    world = _three()
    spoil(world)

    await world.run(2)
    tally = await world.sweep()
    world.advance(15)
    await world.run(8)

    assert (3, faults) == (tally.objects, tally.faults)
    assert [world.deployments[name].template for name in ("anvil", "zebra")] == [FIXED, FIXED]
    assert a_configuration() == world.deployments["orders"].template


async def test_a_bug_at_one_object_is_told_in_its_status() -> None:
    """Its owner sees that the operator failed, and what to do."""
    world = _three()
    _raise_in_read(world)

    await world.run(1)

    status, reason, message = world.condition("TargetAvailable")
    assert (status, reason) == ("False", "OperatorFault")
    assert "report" in message


async def test_one_that_recovers_is_tuned_after_all() -> None:
    """No fault leaves a trace that outlasts it."""
    world = _three()
    _raise_in_read(world)
    await world.run(3)
    world.faults.clear()

    await world.run(12)

    assert world.deployments["orders"].template == FIXED


async def test_of_two_on_one_deployment_the_older_wins() -> None:
    """The younger says so, and one Deployment is changed once."""
    world = World()
    deployment = world.deploy()
    world.tune()
    world.tune("younger", targetRef={"name": "orders"})

    await world.run(20)

    status, reason, message = world.condition("TargetAvailable", "younger")
    assert (status, reason) == ("False", "DuplicateTarget")
    assert "ApiTuning orders is older" in message
    assert len(deployment.written) == 1


async def test_the_younger_takes_over_when_the_older_is_deleted() -> None:
    """At the next sweep."""
    world = World()
    world.deploy()
    world.tune()
    world.tune("younger", targetRef={"name": "orders"})
    await world.run(1)
    world.delete()

    await world.run(1)

    assert world.condition("TargetAvailable", "younger")[:2] == ("True", "Found")


async def test_a_spec_from_a_newer_version_is_refused_with_advice() -> None:
    """Half a spec followed could be worse than none: the field is named."""
    world = World()
    deployment = world.deploy()
    world.tune(fromTheFuture=True)

    await world.run(10)

    status, reason, message = world.condition("Ready")
    assert (status, reason) == ("False", "SpecRefused")
    assert "spec.fromTheFuture" in message
    assert "upgrade the CRDs and the operator together" in message
    assert deployment.written == []
    assert world.writes["orders"] == 1


async def test_p2_pools_that_no_knob_names_are_paid_for_too() -> None:
    """Two pods of fifteen connections draw thirty from the budget, although only the number of pods may be moved."""
    world = World()
    world.deploy(at=a_configuration(2, 1, 15))
    world.tune(budget="db", knobs={"replicas": {"min": 2, "max": 12}})
    world.budget(90)

    await world.run(2)

    granted = world.status("db", Kind.BUDGET)["granted"]
    assert granted == [{"namespace": "shop", "name": "orders", "connections": 30, "atPeak": 30}]
