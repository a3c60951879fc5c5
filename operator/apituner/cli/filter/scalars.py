"""The scalars of a line: counts, figures and moments, with bounds within which no sum of theirs overflows."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field

from apituner.api.rules import Part

_FIGURE_MOST = 1e15
"""A petabyte, or as many requests a second; beyond it a figure is a fault of whoever made it."""
_COUNT_MOST = 10**6
YEARS = range(1970, 3000)
"""Days before and after each can be told."""
_TEXT_MOST = 253
"""As long as Kubernetes lets a name be."""
ID_MOST = 1024


class LinePart(Part):
    """A part of a line, by the names of the contract alone."""

    model_config: ClassVar[ConfigDict] = ConfigDict(validate_by_name=False)


def _moment(value: Any) -> datetime:  # noqa: ANN401 - any JSON value
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None and moment.year in YEARS:
            return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError("must be a time with its zone, written as in 2026-11-23T10:00:00Z")


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A time, in UTC."""
Figure = Annotated[float, Field(strict=True, ge=0, le=_FIGURE_MOST, allow_inf_nan=False)]
"""A figure: zero or more, and never a stand-in for what is not known."""
Seconds = Annotated[float, Field(strict=True, gt=0, le=86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=0, le=_COUNT_MOST)]
Name = Annotated[str, Field(strict=True, max_length=_TEXT_MOST)]
Id = Annotated[str, Field(strict=True, min_length=1, max_length=ID_MOST)]
"""Whatever the caller calls an API; ``namespace/name`` is understood."""
