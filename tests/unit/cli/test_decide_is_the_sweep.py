"""The filter and the operator's sweep are one brain: told the same, they conclude the same, sweep by sweep."""

import json
from typing import Any

import pytest

from apituner.api.apituning import ApiTuningSpec
from apituner.cli.filter.brain import Brain
from apituner.core.workload import Workload
from apituner.engine.intent import intent
from apituner.engine.news import is_news
from apituner.engine.registry import Kind
from builders import a_configuration
from fakes import SWEEP_S, World
from questions import asked

_SAME = ("diagnosis", "decision", "recommendation", "lastChange", "history", "baseline", "current", "observed")
_NAMES = ("replicas", "readyReplicas", "updatedReplicas", "terminatingReplicas", "unavailableReplicas")


def _line(world: World, status: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return what the world looks like to its sweep, as a line."""
    spec = world.objects[Kind.TUNING, "orders"]["spec"]
    target = intent("shop", "orders", ApiTuningSpec.model_validate(spec), stabilization_s=0).target
    workload, seen = world.deployments["orders"].workload(target), world.deployments["orders"].snapshot(world.now)
    budget = world.status("db", Kind.BUDGET)
    granted = budget["granted"][0] if budget else None
    return {
        "v": 1,
        "id": "shop/orders",
        "now": world.now.isoformat(),
        "spec": spec,
        "deployment": _deployment(workload, world.deployments["orders"].template.pool_size),
        "signals": {
            "at": seen.taken_at.isoformat(),
            "windowSeconds": seen.window_s,
            "podsReporting": seen.pods_reporting,
            "values": dict(seen.readings),
            "absent": dict(seen.absent),
        },
        # The ledger of the last sweep; before the first nobody holds anything.
        "budget": {"limit": 90, "grantedToThis": granted["atPeak"] if granted else 0, "free": budget["free"] if budget else 90},
        "status": status,
    }


def _told(status: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in _without_hash(status).items() if name in _SAME}


def _without_hash(status: dict[str, Any]) -> dict[str, Any]:
    """Return *status* without the hash of the pod template, which a line tells by the name that the API server has for it."""
    change = {name: value for name, value in status.get("lastChange", {}).items() if name != "templateHash"}
    return {**status, "lastChange": change}


def _deployment(told: Workload, template: int) -> dict[str, Any]:
    total = told.total_replicas - told.ready_replicas
    counts = (told.replicas, told.ready_replicas, told.updated_replicas, told.terminating_replicas, total)
    return {
        **dict(zip(_NAMES, counts, strict=True)),
        "generation": told.generation,
        "observedGeneration": told.observed_generation,
        "templateHash": f"pool-{template}",
        "resources": {
            "cpuRequestCores": told.cpu_request_cores,
            "cpuLimitCores": told.cpu_limit_cores,
            "memoryLimitBytes": told.memory_limit_bytes,
        },
        "settings": {name: {"value": one.value, "source": one.source} for name, one in told.settings.items()},
    }


@pytest.mark.parametrize(
    "deployed",
    [
        pytest.param({}, id="a starved pool, cured by a rollout"),
        pytest.param({"at": a_configuration(2, 1, 5)}, id="nothing wrong"),
        pytest.param({"readings": {"loop_blocked_ratio": 0.4, "loop_lag_p99_s": 0.5}}, id="a blocked loop"),
        pytest.param({"rps": 300}, id="too much for the bounds"),
    ],
)
@pytest.mark.parametrize("mode", ["Auto", "Recommend"])
async def test_the_filter_concludes_what_the_sweep_concludes(deployed: dict[str, Any], mode: str) -> None:
    """The same diagnosis, decision, recommendation, change and memory, to the letter."""
    world, brain, status = World(), Brain(), None
    world.deploy(**deployed)
    world.tune(mode=mode, budget="db")
    world.budget(90)
    for _ in range(24):
        answer = asked(brain, _line(world, status))
        status = answer["status"]
        before = world.writes["orders"]
        await world.sweep()
        written = json.loads(json.dumps(world.status()).replace("100 connections less 10 reserved", "90 connections in all"))
        # A status that is not news is not written: then nothing but the figures in its sentences may have moved.
        assert not is_news(_without_hash(status | {"observedGeneration": 1}), _without_hash(written))
        if world.writes["orders"] > before:
            assert _told(written) == _told(status)
        world.advance(SWEEP_S)
