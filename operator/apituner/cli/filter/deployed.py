"""The Deployment as a line tells it."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from apituner.cli.filter.scalars import Count, Figure, LinePart, Name
from apituner.core.workload import SettingName, SettingSource

_PODS = re.compile("[0-9]{1,6}%?")


def _pods(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not _PODS.fullmatch(text):
        raise ValueError("must be a number of pods, or a percentage written as in 25%")
    return text


Pods = Annotated[str, BeforeValidator(_pods)]


class StrategyPart(LinePart):
    """How pods are replaced; the defaults are Kubernetes'."""

    type: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    max_surge: Pods = "25%"
    max_unavailable: Pods = "25%"


class ResourcesPart(LinePart):
    """What the container may use; left out is what has no limit."""

    cpu_request_cores: Figure | None = None
    cpu_limit_cores: Figure | None = None
    memory_limit_bytes: Figure | None = None


class SettingPart(LinePart):
    """One setting of the pod template; without a value it is not known."""

    value: Count | None = None
    source: SettingSource

    @model_validator(mode="after")
    def _a_literal_has_a_value(self) -> Self:
        if self.source is SettingSource.ENV and self.value is None:
            raise ValueError("a literal of source Env has a value: write it, or the source that hides it")
        return self


class AutoscalerPart(LinePart):
    """Another controller that owns the number of replicas."""

    kind: Name
    name: Name
    min_replicas: Count
    max_replicas: Count


class DeploymentPart(LinePart):
    """A Deployment at one moment; what Kubernetes leaves out of a status when it is 0 must stand here: missing is not zero."""

    replicas: Count
    ready_replicas: Count
    updated_replicas: Count
    terminating_replicas: Count | None = None
    """None: the API server does not count them, as older ones do not (KEP-3973)."""
    unavailable_replicas: Count = 0
    generation: Annotated[int, Field(strict=True, ge=0)]
    observed_generation: Annotated[int, Field(strict=True, ge=0)]
    template_hash: Name
    strategy: StrategyPart = StrategyPart()
    min_ready_seconds: Count = 0
    termination_grace_period_seconds: Count = 30
    resources: ResourcesPart = ResourcesPart()
    settings: dict[SettingName, SettingPart] = Field(default_factory=dict)
    autoscaler: AutoscalerPart | None = None
