"""The models of the specs refuse what the API server refuses, with the same sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

import resources
from apituner.api.apituning import ApiTuningSpec
from apituner.api.connectionbudget import ConnectionBudgetSpec
from apituner.core.policy import Mode


@pytest.mark.parametrize("changes", resources.ACCEPTED_APITUNINGS)
def test_an_apituning_that_keeps_every_rule_is_accepted(changes: dict[str, Any]) -> None:
    """Whatever the API server stores, the operator can read."""
    ApiTuningSpec.model_validate(resources.an_apituning(changes)["spec"])


@pytest.mark.parametrize(("changes", "sentence"), resources.REFUSED_APITUNINGS)
def test_an_apituning_that_breaks_a_rule_is_told_what_to_write(changes: dict[str, Any], sentence: str) -> None:
    """The sentence is the API server's."""
    with pytest.raises(ValidationError) as refusal:
        ApiTuningSpec.model_validate(resources.an_apituning(changes)["spec"])

    assert sentence in str(refusal.value)


@pytest.mark.parametrize(("changes", "_sentence"), resources.REFUSED_BY_SHAPE)
def test_an_apituning_of_another_shape_is_refused(changes: dict[str, Any], _sentence: str) -> None:
    """Bounds, enums and required fields are those of the CRD."""
    with pytest.raises(ValidationError):
        ApiTuningSpec.model_validate(resources.an_apituning(changes)["spec"])


@pytest.mark.parametrize("changes", resources.ACCEPTED_BUDGETS)
def test_a_budget_that_keeps_every_rule_is_accepted(changes: dict[str, Any]) -> None:
    """Whatever the API server stores, the operator can read."""
    ConnectionBudgetSpec.model_validate(resources.a_connectionbudget(changes)["spec"])


@pytest.mark.parametrize(("changes", "sentence"), resources.REFUSED_BUDGETS)
def test_a_budget_that_breaks_a_rule_is_told_what_to_write(changes: dict[str, Any], sentence: str) -> None:
    """The sentence is the API server's."""
    with pytest.raises(ValidationError) as refusal:
        ConnectionBudgetSpec.model_validate(resources.a_connectionbudget(changes)["spec"])

    assert sentence in str(refusal.value)


@pytest.mark.parametrize(("changes", "_sentence"), resources.BUDGETS_REFUSED_BY_SHAPE)
def test_a_budget_of_another_shape_is_refused(changes: dict[str, Any], _sentence: str) -> None:
    """Bounds and required fields are those of the CRD."""
    with pytest.raises(ValidationError):
        ConnectionBudgetSpec.model_validate(resources.a_connectionbudget(changes)["spec"])


def test_what_is_left_out_is_the_cautious_choice() -> None:
    """An ApiTuning that says the least only recommends, yields to others, and rests ten minutes."""
    spec = ApiTuningSpec.model_validate(
        {
            "targetRef": {"name": "orders"},
            "objective": {"latency": {"milliseconds": 250}},
            "knobs": {"workers": {"min": 1, "max": 4}},
        }
    )

    assert spec.mode is Mode.RECOMMEND
    assert spec.rollout.on_conflict == "Yield"
    assert (spec.rollout.cooldown_seconds, spec.rollout.max_per_day) == (600, 6)
    assert (spec.objective.latency.percentile, spec.objective.max_error_percent) == (95, 1)
    assert spec.knobs.workers is not None
    assert spec.knobs.workers.env == "WEB_CONCURRENCY"
    assert spec.metrics.source == "default"


def test_a_spec_cannot_be_changed_behind_the_users_back() -> None:
    """A spec is what the user wrote, for as long as it is looked at."""
    spec = ApiTuningSpec.model_validate(resources.an_apituning()["spec"])

    with pytest.raises(ValidationError, match="frozen"):
        spec.suspend = True
