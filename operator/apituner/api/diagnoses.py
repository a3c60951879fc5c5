"""The parts of a status that tell what is wrong and what was decided."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from apituner.api.conditions import ATOMIC, Report
from apituner.api.words import Moment, Sentence, Word, at_most
from apituner.core.decision import DecisionKind
from apituner.core.diagnosis import Check, Verdict

FINDINGS_MOST = 20


class BottleneckWord(StrEnum):
    """What bounds the latency; wider than what the diagnosis of today names, so that a newer operator's status fits the same CRD."""

    NOTHING_WRONG = "NothingWrong"
    UNKNOWN = "Unknown"
    POD_FAILURE = "PodFailure"
    CONNECTION_BUDGET = "ConnectionBudget"
    DATABASE_SATURATED = "DatabaseSaturated"
    N_PLUS_ONE = "NPlusOne"
    LONG_TRANSACTION = "LongTransaction"
    EXTERNAL_INSIDE_TRANSACTION = "ExternalInsideTransaction"
    CPU_THROTTLED = "CpuThrottled"
    LOOP_BLOCKED = "LoopBlocked"
    WORKER_CPU = "WorkerCpu"
    MEMORY_LIMITS_WORKERS = "MemoryLimitsWorkers"
    THREADPOOL_EXHAUSTED = "ThreadpoolExhausted"
    POOL_STARVED = "PoolStarved"
    EXTERNAL_SLOW = "ExternalSlow"
    SERIALIZATION_HEAVY = "SerializationHeavy"
    BACKGROUND_WORK_IN_PROCESS = "BackgroundWorkInProcess"
    OVERPROVISIONED = "Overprovisioned"


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


class DiagnosisReport(Report):
    """What bounds the latency, in the order in which an experienced engineer looks."""

    bottleneck: BottleneckWord
    """The first finding that explains the latency."""
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
