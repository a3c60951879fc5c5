"""What a check may find: the words of a diagnosis."""

from dataclasses import dataclass
from enum import StrEnum


class Bottleneck(StrEnum):
    """What bounds the latency; the reason in the status. From `PodFailure` on, causes stand before their symptoms."""

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


class Remark(StrEnum):
    """What is worth mending, but is no bottleneck by itself: it shows through one of those."""

    LAZY_LOADING = "LazyLoading"
    NO_TIMEOUT = "NoTimeout"
    POOL_MISMATCH = "PoolMismatch"
    WORKERS_EXCEED_CPU = "WorkersExceedCpu"
    UNEXPLAINED = "Unexplained"


class Check(StrEnum):
    """The steps of looking, in their order."""

    DATABASE_ACCESS = "DatabaseAccess"
    EXTERNAL_CALLS = "ExternalCalls"
    PAYLOAD_AND_SERIALIZATION = "PayloadAndSerialization"
    POOLS_AND_WORKERS = "PoolsAndWorkers"
    FRAMEWORK = "Framework"


class Verdict(StrEnum):
    """What a check found."""

    PASS = "Pass"  # noqa: S105 - a verdict, not a password
    WARN = "Warn"
    """Worth mending, though the objective is met, or missed for another reason."""
    FAIL = "Fail"
    """It explains why the objective is missed, or it is a limit of capacity without headroom."""
    UNKNOWN = "Unknown"
    """Its signals are absent; absent is never zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check saw, and what a developer can do about it."""

    check: Check
    reason: Bottleneck | Remark
    verdict: Verdict
    because: str
    advice: str = ""
    explains_ratio: float | None = None
    """The share of the mean latency that would not be there without it, the waits that it causes included; None where that is not known."""
