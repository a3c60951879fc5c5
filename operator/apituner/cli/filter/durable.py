"""The status that a caller hands back, as memory: all that outlives a restart."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from apituner.api.status import ApiTuningStatus
from apituner.cli.filter.documents import Json
from apituner.cli.filter.malformed import Malformed, validated
from apituner.cli.filter.scalars import YEARS
from apituner.core.memory import Memory
from apituner.engine.recall import memory_of


def durable(status: Any) -> tuple[Json, Memory]:  # noqa: ANN401 - any JSON value
    """Return *status* as it was written, and the memory in it; None is that of an API that was never looked at."""
    if status is None:
        return {}, Memory()
    read = validated(ApiTuningStatus, status, "status")
    if (where := next(_too_far(read.model_dump(by_alias=True)), None)) is not None:
        raise Malformed(f"status{where}", f"must lie in the years {YEARS.start} to {YEARS.stop - 1}")
    written = read.model_dump(by_alias=True, mode="json", exclude_none=True)
    try:
        return written, memory_of(written)
    except ValueError as error:
        raise Malformed("status", str(error)) from None


def _too_far(part: Any, where: str = "") -> Iterator[str]:  # noqa: ANN401 - any part of a status
    """Yield where a time stands from which no day can be taken away, or added to."""
    if isinstance(part, datetime) and part.year not in YEARS:
        yield where
    elif isinstance(part, Mapping):
        for name, value in part.items():
            yield from _too_far(value, f"{where}.{name}")
    elif isinstance(part, list | tuple):
        for place, value in enumerate(part):
            yield from _too_far(value, f"{where}.{place}")
