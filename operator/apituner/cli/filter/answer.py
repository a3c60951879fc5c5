"""The words of an answer: taken from the status, so that a line and a resource never tell two stories."""

from datetime import datetime
from typing import Any

from apituner.api.words import timestamp
from apituner.cli.filter.documents import Json
from apituner.cli.filter.question import VERSION
from apituner.cli.filter.steps import writes
from apituner.core.decision import Decision
from apituner.engine.recall import configuration_fields

_KNOBS = ("replicas", "workers", "poolSize", "maxOverflow")


def answered(api: str, now: datetime, decision: Decision, status: Json) -> Json:
    """Return the answer, its fields in the order of the contract."""
    return {
        "v": VERSION,
        "id": api,
        "now": timestamp(now),
        "decision": _decision(decision, status),
        "diagnosis": {name: value for name, value in status["diagnosis"].items() if name != "since"},
        "tuningHelps": decision.tuning_helps,
        "rejected": [
            {"target": _target(one), "because": one["because"]} for one in (status.get("recommendation") or {}).get("rejected", ())
        ],
        "status": status,
    }


def refused(api: str | None, because: str) -> Json:
    """Return the answer to a line that cannot be answered."""
    return {"v": VERSION, "id": api, "error": because}


def _decision(decision: Decision, status: Json) -> Json:
    said, recommendation = status["decision"], status.get("recommendation") or {}
    change = decision.memory.change
    target = _target(recommendation) if recommendation else None
    steps = list(recommendation.get("steps", ()))
    if target is None and decision.step is not None and change is not None:
        # A change on its way: where it leads was decided earlier, and what is left of the way is the next step.
        target, steps = configuration_fields(change.target), [str(decision.step)]
    return {
        "kind": said["kind"],
        "reason": said["reason"],
        "because": said["because"],
        "target": target,
        "steps": steps,
        "step": None if decision.step is None else dict(writes(decision.step)),
        "forecast": recommendation.get("forecast"),
        "retryAfterSeconds": said.get("retryAfterSeconds"),
    }


def _target(fields: Json) -> dict[str, Any]:
    return {name: fields[name] for name in _KNOBS}
