"""The parts of a status that tell what would be changed, is being changed, and was changed."""

from typing import Annotated

from pydantic import Field

from apituner.api.conditions import ATOMIC, Report
from apituner.api.words import Moment, Sentence, Word, at_most
from apituner.core.memory import Outcome

STEPS_MOST = 8
REJECTED_MOST = 5


class ConfigurationReport(Report):
    """One setting of the knobs."""

    replicas: int
    """Pods."""
    workers: int
    """Worker processes of a pod."""
    pool_size: int
    """Connections that a pool keeps."""
    max_overflow: int
    """Connections that a pool may open beyond its size."""


class ForecastReport(Report):
    """What the model says the recommendation gives."""

    latency_milliseconds: int | None = None
    """The latency at the objective's percentile."""
    pool_wait_milliseconds: int | None = None
    """How long a connection is waited for."""
    loop_utilization_percent: int | None = None
    """The busy share of the event loops."""
    connections: int | None = None
    """The most connections at rest."""
    connections_at_peak: int | None = None
    """The most connections while the change rolls out, old pods included."""


class RejectedReport(ConfigurationReport):
    """An alternative that was looked at."""

    because: Sentence
    """Why it fell."""


class RecommendationReport(ConfigurationReport):
    """The cheapest configuration whose forecast meets the objective, and how to get there."""

    because: Sentence
    """Why this one."""
    plan: Word
    """The name of the change: the same change has the same name."""
    steps: Annotated[tuple[Sentence, ...], Field(max_length=STEPS_MOST, json_schema_extra=ATOMIC), at_most(STEPS_MOST)] = ()
    """The way there, one safe step after the other."""
    forecast: ForecastReport | None = None
    """What the model says it gives."""
    rejected: Annotated[tuple[RejectedReport, ...], Field(max_length=REJECTED_MOST, json_schema_extra=ATOMIC), at_most(REJECTED_MOST)] = ()
    """Alternatives, and why each fell."""


class PastChangeReport(Report):
    """A change that ended."""

    plan: Word
    """The name of the change."""
    at: Moment
    """When it was decided."""
    reason: Word
    """The bottleneck that it was to cure."""
    outcome: Outcome
    """How far it came."""
    before: Annotated[ConfigurationReport, Field(alias="from")]
    """The configuration before it."""
    target: Annotated[ConfigurationReport, Field(alias="to")]
    """The configuration that it led to."""
    forecast_milliseconds: int | None = None
    """The latency at the objective's percentile that was forecast."""
    outcome_milliseconds: int | None = None
    """The latency that was seen when it was judged."""
    forecast_error_percent: int | None = None
    """How far the forecast was off, as a share of what came."""
    reverts: Word | None = None
    """The name of the worse change that this one undoes."""


class FiguresReport(Report):
    """What was seen before a change: what it is judged by."""

    requests_per_minute: int
    """Requests of all pods."""
    latency_milliseconds: int
    """The latency at the objective's percentile, as a caller feels it."""
    errors_per_thousand: int
    """Requests of a thousand that failed with a server error."""


class ChangeReport(PastChangeReport):
    """The last change: written down before the first write, so that it is finished after a restart too."""

    because: Sentence
    """Why it was made."""
    through_replicas: int | None = None
    """The number of pods that its rollout goes through."""
    connections_at_peak: int | None = None
    """The connections that it was granted at its peak, old pods included."""
    seen_before: FiguresReport | None = None
    """What was seen when it was decided."""
    settled_at: Moment | None = None
    """When it was first seen to be in force, with no old pod left."""
    ending_since: Moment | None = None
    """When it last gave up pods, in a cluster that does not tell when they are gone."""
    template_hash: Annotated[str, Field(max_length=64)] | None = None
    """Stands for the pod template without the settings that are tuned: another one later is somebody else's release."""
