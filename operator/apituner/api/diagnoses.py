"""The parts of a status that tell what is wrong and what was decided."""

from typing import Annotated

from pydantic import Field

from apituner.api.conditions import ATOMIC, Report
from apituner.api.words import Moment, Sentence, Word, at_most
from apituner.core.decision import DecisionKind
from apituner.core.finding import Bottleneck, Check, Verdict

# 21 checks are made today.
FINDINGS_MOST = 30


class FindingReport(Report):
    """What one check saw, and what a developer can do about it."""

    check: Check
    """The step of looking."""
    verdict: Verdict
    """What it found."""
    reason: Word
    """What it looked for."""
    because: Sentence
    """The numbers that it rests on."""
    advice: Sentence = ""
    """What would help."""
    explains_percent: int | None = None
    """The share of the mean latency that would not be there without it; absent where that is not known."""


class DiagnosisReport(Report):
    """What bounds the latency, and all that was looked at, in the order in which an experienced engineer looks."""

    bottleneck: Bottleneck
    """The first cause that explains the latency, or a limit without headroom."""
    since: Moment | None = None
    """Since when the bottleneck has been the same."""
    because: Sentence
    """The numbers that it rests on."""
    findings: Annotated[tuple[FindingReport, ...], Field(max_length=FINDINGS_MOST, json_schema_extra=ATOMIC), at_most(FINDINGS_MOST)] = ()
    """Everything that was looked at, in its order."""


class DecisionReport(Report):
    """What the last sweep decided."""

    kind: DecisionKind
    """Keep: nothing to do. Apply: a change is made. Recommend: a change would be made. Hold: something objects to a change."""
    reason: Word
    """Why, in one CamelCase word for programs."""
    because: Sentence
    """Why, with the numbers, in one sentence for people."""
    retry_after_seconds: int | None = None
    """When an objection may have passed."""
