"""One Event for every change and every new refusal, and none for what is only waiting."""

from typing import Any

import pytest

from apituner.core.snapshot import Absence, Unobserved
from apituner.core.workload import SettingName
from apituner.ports import NotWritten
from fakes import World


def _gone(world: World) -> None:
    del world.deployments["orders"]


def _owned(world: World) -> None:
    world.deployments["orders"].settings[SettingName.POOL_SIZE] = {"owner": "argocd"}


def _paused(world: World) -> None:
    world.deployments["orders"].facts["paused"] = True


def _no_series(world: World) -> None:
    because = "no series of shop/orders: call apituner.fastapi.instrument(app) and let Prometheus scrape the pods"
    world.unobserved["orders"] = Unobserved(reason=Absence.NO_SERIES, because=because)


def _no_budget(world: World) -> None:
    world.change(connectionBudgetRef={"name": "dv"})


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(_gone, "TargetNotFound", id="no Deployment"),
        pytest.param(_owned, "FieldOwnedByOther", id="another field manager"),
        pytest.param(_paused, "DeploymentPaused", id="paused"),
        pytest.param(_no_series, "NoSeries", id="not instrumented"),
        pytest.param(_no_budget, "BudgetNotFound", id="no such budget"),
    ],
)
async def test_a_refusal_is_one_event(spoil: Any, reason: str) -> None:  # noqa: ANN401 - a function above
    """However many sweeps it lasts."""
    world = World()
    world.deploy()
    world.tune(budget="db")
    world.budget(90)
    spoil(world)

    await world.run(25)

    assert [reason] == world.told()


@pytest.mark.parametrize(
    ("refused", "condition"),
    [
        pytest.param("Forbidden", "OwnsFields", id="no right to write"),
        pytest.param("FieldOwnedByOther", "OwnsFields", id="a conflict of field managers"),
        pytest.param("Refused", "OwnsFields", id="an admission rule"),
        pytest.param("ApiServerUnreachable", None, id="an API server that does not answer"),
        pytest.param("ChangedMeanwhile", None, id="a change in between"),
    ],
)
async def test_a_refused_step_is_told_once_and_tried_again(refused: str, condition: str | None) -> None:
    """While it is refused there is one status, not two in turn at every sweep; afterwards the change is made."""
    world = World()
    deployment = world.deploy()
    world.tune()
    world.steps_refused["orders"] = NotWritten(reason=refused, because="not now; see the role")
    await world.run(3)
    assert ("Hold", refused) == world.decision()
    if condition is not None:
        assert ("False", refused, "not now; see the role") == world.condition(condition)
    await world.run(1)  # from here on there is a change on its way and no recommendation any more
    world.writes.clear()

    await world.run(10)

    assert world.writes == {}
    assert ["ChangeBegun", refused] == world.told()
    world.steps_refused.clear()
    await world.run(10)
    assert len(deployment.written) == 1
    assert world.told()[-1] == "ChangeImproved"


async def test_quiet_holds_are_no_events() -> None:
    """Waiting for evidence, for a rollout, for the cooldown: that is work."""
    world = World()
    deployment = world.deploy()
    world.tune()
    await world.run(10)
    deployment.rps = 240

    await world.run(30)

    assert {"ChangeBegun", "ChangeImproved"} == set(world.told())


async def test_a_restart_repeats_no_event() -> None:
    """A story has an Event for each of its two turns, whoever tells it."""
    world = World()
    world.deploy()
    world.tune()
    await world.run(4)
    world.restart()
    await world.run(10)
    world.restart()

    await world.run(10)

    assert world.told() == ["ChangeBegun", "ChangeImproved"]
