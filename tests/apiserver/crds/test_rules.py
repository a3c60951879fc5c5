"""Each rule of a spec, asked of a real API server: what it accepts, what it refuses, and with which sentence."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import resources
from apituner.api.apituning import ApiTuningSpec
from apituner.api.connectionbudget import ConnectionBudgetSpec

Done = subprocess.CompletedProcess[str]
Kubectl = Callable[..., Done]
Tried = Callable[[dict[str, Any]], Done]
Created = Callable[[dict[str, Any]], str]


@pytest.mark.parametrize("changes", resources.ACCEPTED_APITUNINGS)
def test_an_apituning_that_keeps_every_rule_is_stored(tried: Tried, changes: dict[str, Any]) -> None:
    """And the operator reads the same defaults that the API server filled in."""
    done = tried(resources.an_apituning(changes))

    assert done.returncode == 0, done.stderr
    stored = json.loads(done.stdout)["spec"]
    assert stored == ApiTuningSpec.model_validate(stored).model_dump(mode="json", by_alias=True, exclude_none=True)


@pytest.mark.parametrize(("changes", "sentence"), [*resources.REFUSED_APITUNINGS, *resources.REFUSED_BY_SHAPE])
def test_an_apituning_that_breaks_a_rule_is_refused_with_the_way_out(tried: Tried, changes: dict[str, Any], sentence: str) -> None:
    """Nobody has to read the operator's log to learn that a spec is wrong."""
    done = tried(resources.an_apituning(changes))

    assert done.returncode != 0
    assert sentence in done.stderr


@pytest.mark.parametrize("changes", resources.ACCEPTED_BUDGETS)
def test_a_budget_that_keeps_every_rule_is_stored(tried: Tried, changes: dict[str, Any]) -> None:
    """And the operator reads it with the same defaults."""
    done = tried(resources.a_connectionbudget(changes))

    assert done.returncode == 0, done.stderr
    stored = json.loads(done.stdout)["spec"]
    read = ConnectionBudgetSpec.model_validate(stored).model_dump(mode="json", by_alias=True)
    assert {"allowedNamespaces": [], **stored} == read


@pytest.mark.parametrize(("changes", "sentence"), [*resources.REFUSED_BUDGETS, *resources.BUDGETS_REFUSED_BY_SHAPE])
def test_a_budget_that_breaks_a_rule_is_refused_with_the_way_out(tried: Tried, changes: dict[str, Any], sentence: str) -> None:
    """A budget that protects nothing is not stored."""
    done = tried(resources.a_connectionbudget(changes))

    assert done.returncode != 0
    assert sentence in done.stderr


def test_the_api_server_fills_in_what_is_left_out(tried: Tried) -> None:
    """So that `kubectl get -o yaml` shows the whole truth, not the operator's secret defaults."""
    least = {
        "targetRef": {"name": "orders"},
        "objective": {"latency": {"milliseconds": 250}},
        "knobs": {"workers": {"min": 1, "max": 4}, "pool": {"min": 2, "max": 30, "sizeEnv": "DB_POOL_SIZE"}},
    }
    done = tried({**resources.an_apituning(), "spec": least})

    assert json.loads(done.stdout)["spec"] == {
        "targetRef": {"name": "orders"},
        "mode": "Recommend",
        "suspend": False,
        "objective": {"latency": {"percentile": 95, "milliseconds": 250}, "maxErrorPercent": 1},
        "knobs": {
            "workers": {"min": 1, "max": 4, "env": "WEB_CONCURRENCY"},
            "pool": {"min": 2, "max": 30, "sizeEnv": "DB_POOL_SIZE", "enginesPerWorker": 1},
        },
        "metrics": {"source": "default", "preset": "Auto"},
        "rollout": {"via": "Env", "onConflict": "Yield", "cooldownSeconds": 600, "maxPerDay": 6},
    }


def test_the_target_cannot_be_changed(kubectl: Kubectl, created: Created) -> None:
    """What was learned belongs to the old Deployment."""
    name = created(resources.an_apituning())

    done = kubectl("patch", name, "--type=merge", "--patch", '{"spec":{"targetRef":{"name":"billing"}}}')

    assert done.returncode != 0
    assert "spec.targetRef: Invalid value" in done.stderr
    assert "delete this ApiTuning and create one for the other Deployment" in done.stderr


def test_everything_else_can_be_changed(kubectl: Kubectl, created: Created) -> None:
    """A user tightens bounds and switches modes without losing what was learned."""
    name = created(resources.an_apituning())

    done = kubectl("patch", name, "--type=merge", "--patch", '{"spec":{"mode":"Auto","knobs":{"replicas":{"max":3}}}}')

    assert done.returncode == 0, done.stderr
    stored = json.loads(kubectl("get", name, "--output", "json").stdout)["spec"]
    assert (stored["mode"], stored["knobs"]["replicas"]) == ("Auto", {"min": 2, "max": 3})


def test_a_change_must_keep_the_rules_too(kubectl: Kubectl, created: Created) -> None:
    """An object that was good cannot be made bad."""
    name = created(resources.an_apituning())

    done = kubectl("patch", name, "--type=merge", "--patch", '{"spec":{"knobs":{"pool":{"max":1}}}}')

    assert done.returncode != 0
    assert "spec.knobs.pool: Invalid value" in done.stderr
    assert "min must not exceed max" in done.stderr
