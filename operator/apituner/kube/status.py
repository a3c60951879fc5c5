"""Writes the status of an ApiTuning or a ConnectionBudget, and only when it says something new."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apituner.kube.client import Api, Kind
from apituner.kube.conditions import merged_conditions
from apituner.kube.errors import KubeError
from apituner.kube.nulls import without_nulls

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The object's status now, and whether it took a write to have it so."""

    status: Status
    written: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReported:
    """The status could not be written; the next sweep tries again."""

    because: str


async def report(api: Api, kind: Kind, seen: Mapping[str, Any], status: Status, now: datetime) -> Reported | NotReported:
    """
    Bring the status of the object *seen* to *status*, whose conditions need no lastTransitionTime.

    The uid is a precondition: a status computed for an object that was deleted is not put onto its namesake.
    """
    old = seen.get("status") or {}
    new = {**status, "conditions": merged_conditions(old.get("conditions") or [], status.get("conditions") or [], now)}
    if not differs(old, new):
        return Reported(status=old, written=False)
    metadata = seen["metadata"]
    try:
        stored = await api.set_status(kind, metadata["namespace"], metadata["name"], metadata["uid"], without_nulls(new))
    except KubeError as error:
        return NotReported(because=str(error))
    return Reported(status=stored.get("status") or {}, written=True)


def differs(old: Status, new: Status) -> bool:
    """Whether *new* says anything that *old* does not, or leaves anything out. The order of the conditions means nothing."""
    return bool(_comparable(old) != _comparable(new))


def _comparable(status: Status) -> Any:  # noqa: ANN401 - any JSON value
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    return without_nulls({**status, "conditions": conditions})
