"""The spec of an ApiTuning: what a team wants of one API, and what may be moved to get there."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from apituner.api.knobs import Knobs
from apituner.api.rules import Part, Rule
from apituner.api.words import Label, ObjectName, SourceName
from apituner.core.memory import HISTORY_MOST
from apituner.core.policy import Mode

MILLISECONDS_MOST = 60_000
"""A minute: beyond it a caller's own timeout is the objective."""


class Via(StrEnum):
    """How a setting reaches the pods."""

    ENV = "Env"


class OnConflict(StrEnum):
    """What to do where another field manager wrote a setting."""

    YIELD = "Yield"
    TAKE = "Take"


class Preset(StrEnum):
    """Whose metrics are read."""

    AUTO = "Auto"
    APITUNER = "Apituner"
    OPENTELEMETRY = "OpenTelemetry"
    STARLETTE_EXPORTER = "StarletteExporter"
    PROMETHEUS_FASTAPI_INSTRUMENTATOR = "PrometheusFastapiInstrumentator"
    OPENTELEMETRY_OLD = "OpenTelemetryOld"


class TargetRef(Part):
    """The Deployment, in the namespace of the ApiTuning."""

    rules: ClassVar = (
        Rule(
            cel="self == oldSelf",
            message="targetRef cannot be changed: what was learned belongs to the old Deployment; "
            "delete this ApiTuning and create one for the other Deployment",
            holds=None,
        ),
    )

    name: ObjectName
    """The Deployment's name."""


class Latency(Part):
    """Met when at most 100 - percentile percent of the requests take longer than the milliseconds."""

    percentile: Annotated[int, Field(strict=True, ge=50, le=99)] = 95
    """Which share of the requests, in percent, must be fast enough."""
    milliseconds: Annotated[int, Field(strict=True, ge=1, le=MILLISECONDS_MOST)]
    """How long such a request may take."""


class Objective(Part):
    """When the API is good enough."""

    latency: Latency
    """How fast."""
    max_error_percent: Annotated[int, Field(strict=True, ge=0, le=100)] = 1
    """The share of requests, in percent, that may fail with a server error."""


class ConnectionBudgetRef(Part):
    """The ConnectionBudget of the database."""

    name: ObjectName
    """The ConnectionBudget's name."""
    namespace: Label | None = None
    """Its namespace, the ApiTuning's own by default; another one must name this namespace in its spec.allowedNamespaces."""


class Metrics(Part):
    """Where the API is observed."""

    source: SourceName = "default"
    """A metrics source of the operator's own configuration, by name."""
    preset: Preset = Preset.AUTO
    """Which exporter of the API is read. Auto: the first of these that its pods have, in the order in which they are listed."""


class Rollout(Part):
    """How changes reach the pods, and at which pace."""

    via: Via = Via.ENV
    """Env: the variables of the container, by server-side apply."""
    on_conflict: OnConflict = OnConflict.YIELD
    """
    What to do where another field manager set a variable: Yield reports the other owner and leaves its value, Take takes the value over
    and yields once it is taken back.
    """
    cooldown_seconds: Annotated[int, Field(strict=True, ge=0, le=86_400)] = 600
    """How long to rest after a change, in seconds; with 0 the next change waits only until the last one is settled."""
    max_per_day: Annotated[int, Field(strict=True, ge=1, le=HISTORY_MOST)] = 6
    """The most changes within 24 hours; the status remembers ten."""


class ApiTuningSpec(Part):
    """What is wanted of one API, and what may be moved to get there."""

    target_ref: TargetRef
    """The Deployment that runs the API; it cannot be changed."""
    container_name: Label | None = None
    """
    The container that runs the API; it may be left out when the pod has one container or names its default by the annotation
    kubectl.kubernetes.io/default-container.
    """
    mode: Mode = Mode.RECOMMEND
    """Recommend: say in the status what would be changed. Auto: change it."""
    suspend: Annotated[bool, Field(strict=True)] = False
    """True: observe and report, but change nothing, whatever the mode."""
    objective: Objective
    """When the API is good enough."""
    knobs: Knobs
    """What may be moved, and how far."""
    connection_budget_ref: ConnectionBudgetRef | None = None
    """The budget that all connections of this API stay inside, rollouts included."""
    metrics: Metrics = Metrics()
    """Where the API is observed."""
    rollout: Rollout = Rollout()
    """How changes reach the pods, and at which pace."""
