"""What the user wants and allows, in the core's own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from apituner.core.configuration import Knob


class Mode(StrEnum):
    """Whether the operator only says what it would do, or does it."""

    RECOMMEND = "Recommend"
    AUTO = "Auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The least and the most that a knob may be set to, both allowed."""

    least: int
    most: int

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise ValueError(f"bounds are empty: {self.least} > {self.most}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Met when at most ``100 - percentile`` percent of requests take longer than *latency_s*, and at most *error_ratio* of them fail."""

    percentile: float
    latency_s: float
    error_ratio: float

    @property
    def slow_ratio(self) -> float:
        """The share of requests that may be slower."""
        return 1 - self.percentile / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimit:
    """The most connections that this API may hold at any instant, and how that number came about."""

    connections: int
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Objective, knobs, limits and pace. A knob that is not in *knobs* is never touched."""

    mode: Mode
    suspended: bool
    objective: Objective
    knobs: Mapping[Knob, Bounds]
    sets_overflow: bool
    """Whether the overflow has a variable of its own: then it is set to 0 and the size carries the whole pool."""
    engines_per_worker: int
    connection_limit: ConnectionLimit | None
    takes_fields: bool
    """Whether a setting that somebody else wrote may be taken over."""
    cooldown_s: float
    changes_per_day: int
    stabilization_s: float
    """How long a bottleneck must have been seen without a break before it counts."""
