"""What was seen of an API, as a line tells it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from apituner.cli.filter.scalars import Count, Figure, LinePart, Moment, Seconds
from apituner.core.snapshot import FAST_SIGNALS, Absence, RouteSignal, Signal

_ROUTES_MOST = 1000

Readings = dict[Signal, Figure]


class FastPart(LinePart):
    """Some figures over a shorter window."""

    window_seconds: Seconds
    values: Readings

    @model_validator(mode="after")
    def _knows_only_what_is_fast(self) -> Self:
        if slow := next((name for name in self.values if name not in FAST_SIGNALS), None):
            raise ValueError(f"values.{slow} is not known over a shorter window: leave it out")
        return self


class SignalsPart(LinePart):
    """The figures of one window; a name that stands in neither list is absent all the same."""

    at: Moment
    window_seconds: Seconds
    pods_reporting: Count
    values: Readings
    absent: dict[Signal, Absence] = Field(default_factory=dict)
    fast: FastPart | None = None
    routes: Annotated[dict[str, dict[RouteSignal, Figure]], Field(max_length=_ROUTES_MOST)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _does_not_contradict_itself(self) -> Self:
        if both := next((name for name in self.values if name in self.absent), None):
            raise ValueError(f"absent.{both} stands in values too: leave it out of one of them")
        if self.fast is not None and self.fast.window_seconds >= self.window_seconds:
            raise ValueError("fast.windowSeconds must be less than windowSeconds")
        return self
