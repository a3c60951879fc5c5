"""Every fault that only the operator can know: its condition, reason and advice, within one sweep, and one Event."""

from typing import Any

import pytest

from apituner.core.snapshot import Absence, Unobserved
from apituner.core.workload import Autoscaler, SettingName, SettingSource, TargetFault
from apituner.engine.registry import Kind
from builders import a_configuration
from fakes import World

_POOL = SettingName.POOL_SIZE


def _gone(world: World) -> None:
    del world.deployments["orders"]


def _no_container(world: World) -> None:
    world.faults["orders"] = TargetFault(reason="ContainerNotFound", because="it has 2 containers; set spec.containerName to api or proxy")


def _not_readable(world: World) -> None:
    world.faults["orders"] = TargetFault(
        reason="Forbidden", because="the operator may not get deployments: `helm upgrade` restores the role"
    )


def _from(source: SettingSource, detail: str) -> Any:  # noqa: ANN401 - a fault
    def spoil(world: World) -> None:
        world.deployments["orders"].settings[_POOL] = {"source": source, "detail": detail, "value": None}

    return spoil


def _owned(world: World) -> None:
    world.deployments["orders"].settings[_POOL] = {"owner": "argocd"}


def _scaled(world: World) -> None:
    scaler = Autoscaler(kind="HorizontalPodAutoscaler", name="orders-hpa", min_replicas=2, max_replicas=9)
    world.deployments["orders"].facts["autoscaler"] = scaler


def _paused(world: World) -> None:
    world.deployments["orders"].facts["paused"] = True


def _stuck(world: World) -> None:
    world.deployments["orders"].facts["stuck_because"] = "ProgressDeadlineExceeded: the image cannot be pulled; see kubectl describe"


def _ineffective(world: World) -> None:
    deployment = world.deployments["orders"]
    deployment.in_processes, deployment.template = deployment.template, a_configuration(2, 1, 9)
    for pod in deployment.pods:
        pod.setting = deployment.template


def _no_series(world: World) -> None:
    because = "no series of shop/orders: call apituner.fastapi.instrument(app) and let Prometheus scrape the pods"
    world.unobserved["orders"] = Unobserved(reason=Absence.NO_SERIES, because=because)


def _no_budget(world: World) -> None:
    world.change(connectionBudgetRef={"name": "dv"})


def _foreign_budget(world: World) -> None:
    world.change(connectionBudgetRef={"name": "dv", "namespace": "elsewhere"})


def _overdrawn(world: World) -> None:
    world.change("db", Kind.BUDGET, maxConnections=13)


def _budget_refused(world: World) -> None:
    world.change("db", Kind.BUDGET, reserved=100)


def _not_allowed(world: World) -> None:
    world.objects[Kind.BUDGET, "db"]["metadata"]["namespace"] = "data"
    world.change(connectionBudgetRef={"name": "db", "namespace": "data"})


@pytest.mark.parametrize(
    ("spoil", "condition", "reason", "advice"),
    [
        pytest.param(_gone, "TargetAvailable", "TargetNotFound", "create it", id="no Deployment"),
        pytest.param(_no_container, "TargetAvailable", "ContainerNotFound", "set spec.containerName", id="which container?"),
        pytest.param(_not_readable, "TargetAvailable", "Forbidden", "helm upgrade", id="may not read"),
        pytest.param(
            _from(SettingSource.SECRET, "Secret db"), "OwnsFields", "SettingFromSecret", "make it a plain value", id="from a Secret"
        ),
        pytest.param(
            _from(SettingSource.CONFIG_MAP, "ConfigMap db"),
            "OwnsFields",
            "SettingFromConfigMap",
            "make it a plain value",
            id="from a ConfigMap",
        ),
        pytest.param(
            _from(SettingSource.FIELD, "metadata.name"), "OwnsFields", "SettingFromField", "make it a plain value", id="from a field"
        ),
        pytest.param(
            _from(SettingSource.COMMAND_LINE, "--pool"), "OwnsFields", "SettingFromCommandLine", "drop the flag", id="from a flag"
        ),
        pytest.param(
            _from(SettingSource.UNREADABLE, "'many'"), "OwnsFields", "SettingFromUnreadable", "write one whole number", id="not a number"
        ),
        pytest.param(_owned, "OwnsFields", "FieldOwnedByOther", "spec.rollout.onConflict to Take", id="another field manager"),
        pytest.param(_scaled, "OwnsFields", "AutoscalerOwnsReplicas", "leave replicas out of spec.knobs", id="an autoscaler"),
        pytest.param(_ineffective, "OwnsFields", "SettingNotEffective", "check that the program reads", id="a setting without effect"),
        pytest.param(_paused, "Settled", "DeploymentPaused", "kubectl rollout resume", id="paused"),
        pytest.param(_stuck, "Settled", "RolloutStuck", "kubectl describe", id="stuck"),
        pytest.param(_no_series, "MetricsAvailable", "NoSeries", "apituner.fastapi.instrument", id="not instrumented"),
        pytest.param(_no_budget, "WithinBudget", "BudgetNotFound", "create it, or correct", id="no such budget"),
        pytest.param(_foreign_budget, "WithinBudget", "BudgetNotFound", "in namespace elsewhere", id="no such budget elsewhere"),
        pytest.param(_not_allowed, "WithinBudget", "BudgetNotAllowed", "add it there", id="another namespace's budget"),
        pytest.param(_overdrawn, "WithinBudget", "BudgetOverdrawn", "1 connections more than 3", id="more held than granted"),
        pytest.param(_budget_refused, "WithinBudget", "BudgetRefused", "lower reserved or raise", id="a budget of nothing"),
    ],
)
async def test_a_fault_is_a_condition_within_one_sweep(spoil: Any, condition: str, reason: str, advice: str) -> None:  # noqa: ANN401
    """False, with the reason for programs and the way out for people; and nothing is written while it lasts."""
    world = World()
    deployment = world.deploy()
    world.tune(budget="db")
    world.budget(90)
    spoil(world)

    await world.run(1)

    status, told, message = world.condition(condition)
    assert ("False", reason) == (status, told)
    assert advice in message
    writes = dict(world.writes)
    await world.run(8)
    assert deployment.written == []
    assert world.writes["orders"] <= writes["orders"] + 2  # a bottleneck that has lasted is told; after that there is nothing new
    settled = dict(world.writes)
    await world.run(10)
    assert settled == world.writes


async def test_all_is_well_is_said_too() -> None:
    """Every condition True, each type once."""
    world = World()
    world.deploy(at=a_configuration(2, 1, 5))
    world.tune(budget="db")
    world.budget(90)

    await world.run(2)

    told = {one["type"]: one["status"] for one in world.status()["conditions"]}
    assert {"Unknown"} == {told.pop("TuningHelps")}
    assert {"True"} == set(told.values())
    assert [one["type"] for one in world.status()["conditions"]] == [
        "Ready",
        "TargetAvailable",
        "MetricsAvailable",
        "Settled",
        "OwnsFields",
        "WithinBudget",
        "ObjectiveMet",
        "TuningHelps",
    ]


async def test_a_transition_time_moves_only_with_the_status() -> None:
    """`kubectl` shows since when; a write for another reason must not reset it."""
    world = World()
    world.deploy()
    world.tune()
    await world.run(1)
    since = {one["type"]: one["lastTransitionTime"] for one in world.status()["conditions"]}

    await world.run(3)

    assert since["TargetAvailable"] == {one["type"]: one["lastTransitionTime"] for one in world.status()["conditions"]}["TargetAvailable"]
