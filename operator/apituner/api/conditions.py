"""Conditions: what holds of a resource now, since when, and why, in the form that every Kubernetes tool reads."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from apituner.api.rules import Part
from apituner.api.words import Moment, Sentence, at_most

CONDITIONS_MOST = 16

ATOMIC: dict[str, Any] = {"x-kubernetes-list-type": "atomic"}
"""A list that is written as a whole."""


class ConditionType(StrEnum):
    """The conditions of the two resources; each is good when it is True."""

    READY = "Ready"
    """Everything that a decision needs is there: the summary of the others."""
    TARGET_AVAILABLE = "TargetAvailable"
    """The Deployment exists and its settings can be read."""
    METRICS_AVAILABLE = "MetricsAvailable"
    """The metrics are there, fresh, and of enough pods."""
    SETTLED = "Settled"
    """No rollout is on its way, and the window holds only pods of the newest template."""
    OWNS_FIELDS = "OwnsFields"
    """Nobody else writes the settings that the knobs name."""
    WITHIN_BUDGET = "WithinBudget"
    """The connections, rollouts included, fit into the connection budget."""
    OBJECTIVE_MET = "ObjectiveMet"
    """The API is as fast and as free of errors as the spec wants it."""
    TUNING_HELPS = "TuningHelps"
    """Some setting within the bounds is forecast to meet the objective."""


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Report(Part):
    """A part of a status: an older operator reads over what a newer one wrote."""

    model_config = ConfigDict(extra="ignore")


class Condition(Report):
    """One condition."""

    type: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z]+$")]
    """Which condition."""
    status: ConditionStatus
    """Whether it holds."""
    reason: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    """Why, in one CamelCase word for programs."""
    message: Sentence
    """Why, and what to do about it, in one sentence for people."""
    last_transition_time: Moment
    """Since when the status of the condition is what it is."""
    observed_generation: int | None = None
    """The generation of the spec that the condition speaks of."""


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=CONDITIONS_MOST,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
    at_most(CONDITIONS_MOST),
]
"""At most one condition of each type."""
