"""
How few pods have been enough for how long: a recommendation of fewer counts once nothing more was recommended for a whole window.

Kept as steps of a stair, from more pods down to fewer: since when no more than so many were ever recommended. The lowest step that is old
enough is the most that was recommended within the window. Nothing is written while the recommendation stays, and nothing where it is not
below what is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

STAIR_MOST = 10
"""Steps that are remembered."""
STABILIZATION = timedelta(seconds=300)
"""The downscale stabilization of the HorizontalPodAutoscaler (its default), by the largest recommendation of the window."""
SHRINK_EVERY = timedelta(seconds=60)
"""A window of metrics: the effect of one step down is seen before the next."""
_SHRINK_PART = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Enough:
    """No more than *replicas* pods were ever recommended since then."""

    replicas: int
    since: datetime


def recommended(stair: Sequence[Enough], replicas: int, here: int, now: datetime) -> tuple[Enough, ...]:
    """Return the stair after *replicas* pods were recommended while *here* are there."""
    kept = [step for step in stair if replicas <= step.replicas < here]
    if replicas < here and all(step.replicas > replicas for step in kept):
        kept.append(Enough(replicas=replicas, since=now.replace(microsecond=0)))
    return tuple(kept[:STAIR_MOST])


def enough(stair: Sequence[Enough], now: datetime) -> int | None:
    """Return the fewest pods that have been enough for the whole stabilization window, None where fewer have not been for so long."""
    return min((step.replicas for step in stair if step.since <= now - STABILIZATION), default=None)


def gradually(here: int, floor: int) -> int:
    """Return how many of *here* pods may be left after one step down towards *floor*: one fewer, or a fifth."""
    return max(floor, here - max(1, here // _SHRINK_PART))
