"""What the operator reports of an ApiTuning and of a ConnectionBudget: rounded, bounded, and written only when it says something new."""

from typing import Annotated

from pydantic import Field

from apituner.api.changes import ChangeReport, ConfigurationReport, PastChangeReport, RecommendationReport
from apituner.api.conditions import ATOMIC, Conditions, Report
from apituner.api.diagnoses import DecisionReport, DiagnosisReport
from apituner.api.pace import BlockReport, PaceReport
from apituner.api.seen import Baseline, Current, Observed, Summary
from apituner.api.words import at_most
from apituner.core.blocks import BLOCKS_MOST
from apituner.core.memory import HISTORY_MOST

GRANTS_MOST = 200


class ApiTuningStatus(Report):
    """What was seen, what is wrong, what is decided and why."""

    observed_generation: int | None = None
    """The generation of the spec that the status speaks of."""
    conditions: Conditions = ()
    """What holds now, since when, and why."""
    summary: Summary | None = None
    """The cells of the table that ``kubectl get apitunings`` prints."""
    current: Current | None = None
    """The configuration as seen to be in force."""
    observed: Observed | None = None
    """The signals of the last window."""
    diagnosis: DiagnosisReport | None = None
    """What bounds the latency."""
    decision: DecisionReport | None = None
    """What the last sweep decided."""
    recommendation: RecommendationReport | None = None
    """What would be changed, or is being changed."""
    last_change: ChangeReport | None = None
    """The last change."""
    history: Annotated[tuple[PastChangeReport, ...], Field(max_length=HISTORY_MOST, json_schema_extra=ATOMIC), at_most(HISTORY_MOST)] = ()
    """Changes that ended, the newest first."""
    blocks: Annotated[tuple[BlockReport, ...], Field(max_length=BLOCKS_MOST, json_schema_extra=ATOMIC), at_most(BLOCKS_MOST)] = ()
    """Changes that made things worse and are not tried again for a while, the newest first."""
    last_known_good: ConfigurationReport | None = None
    """The last configuration that was judged better, or that met the objective for a whole window."""
    pace: PaceReport | None = None
    """What keeps changes from coming too fast, also after a restart."""
    baseline: Baseline | None = None
    """What is remembered of better days."""


class Grant(Report):
    """The connections that one ApiTuning may hold."""

    namespace: Annotated[str, Field(max_length=63)]
    """The ApiTuning's namespace."""
    name: Annotated[str, Field(max_length=253)]
    """The ApiTuning's name."""
    connections: int
    """The most connections of its configuration at rest."""
    at_peak: int
    """The most connections while its change rolls out."""


class ConnectionBudgetStatus(Report):
    """Who may hold how many connections."""

    limit: int | None = None
    """The connections that can be granted: maxConnections less reserved."""
    granted: Annotated[tuple[Grant, ...], Field(max_length=GRANTS_MOST, json_schema_extra=ATOMIC), at_most(GRANTS_MOST)] = ()
    """What is granted, by ApiTuning."""
    free: int | None = None
    """What is left to grant; below zero while the APIs hold more than the budget allows."""
    conditions: Conditions = ()
    """What holds now, since when, and why."""
