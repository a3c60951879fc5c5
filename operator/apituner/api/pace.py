"""The parts of a status that keep the pace over a restart: what was tried in vain, what has been enough, what windows agree on."""

from typing import Annotated

from pydantic import Field

from apituner.api.changes import ConfigurationReport
from apituner.api.conditions import ATOMIC, Report
from apituner.api.words import Moment, at_most
from apituner.core.memory import HISTORY_MOST
from apituner.core.stabilization import STAIR_MOST


class BlockReport(Report):
    """A change that was tried and made things worse: it is not tried again for a while."""

    before: Annotated[ConfigurationReport, Field(alias="from")]
    """The configuration before it."""
    target: Annotated[ConfigurationReport, Field(alias="to")]
    """The configuration that it led to."""
    until: Moment
    """Until when it is not tried again."""
    count: int
    """How often it has been tried."""


class EnoughReport(Report):
    """Fewer pods that would have been enough."""

    replicas: int
    """Pods: more were never recommended since then."""
    since: Moment
    """Since when."""


class AgreementReport(Report):
    """The workers and the pool that the last windows agreed on."""

    target: Annotated[ConfigurationReport, Field(alias="to")]
    """The first of the proposals."""
    since: Moment
    """When the first window that led to it ended."""


class PaceReport(Report):
    """What keeps changes from coming too fast."""

    rollouts: Annotated[tuple[Moment, ...], Field(max_length=HISTORY_MOST, json_schema_extra=ATOMIC), at_most(HISTORY_MOST)] = ()
    """When the last rollouts were decided, the newest first."""
    enough: Annotated[tuple[EnoughReport, ...], Field(max_length=STAIR_MOST, json_schema_extra=ATOMIC), at_most(STAIR_MOST)] = ()
    """Fewer pods that would have been enough, and since when."""
    agreement: AgreementReport | None = None
    """What the last windows agreed on."""
