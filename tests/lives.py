"""Windows of the starved API, one after the other, and what is learnt from them."""

from datetime import datetime, timedelta
from typing import Any

from apituner.core.estimation.estimates import Estimates
from apituner.core.snapshot import Snapshot
from apituner.core.workload import Workload
from builders import NOON, a_configuration, a_policy, a_snapshot, a_workload

AT_REST = a_workload(template_hash="a", rolled_out_at=NOON - timedelta(days=9))


def instant(seconds: float) -> datetime:
    """Return so many seconds past noon."""
    return NOON + timedelta(seconds=seconds)


def windows(count: int, every_s: float = 15.0, from_s: float = 0.0, **readings: Any) -> list[Snapshot]:  # noqa: ANN401 - figures
    """Return *count* windows with the same *readings*."""
    return [a_snapshot(taken_at=instant(from_s + every_s * i), **readings) for i in range(count)]


def after(known: Estimates, *seen: Snapshot, workload: Workload = AT_REST, ours: bool = False) -> Estimates:
    """Return what is known after all of *seen*."""
    for one in seen:
        known = known.seeing(one, a_configuration(), workload, a_policy(), ours=ours)
    return known
