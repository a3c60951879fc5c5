"""Memory to status and back: what must outlive a restart, in the words of the resource."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apituner.api.words import SENTENCE_MOST, timestamp
from apituner.core.configuration import Configuration
from apituner.core.diagnosis import Bottleneck
from apituner.core.memory import Change, Memory, Outcome

Json = dict[str, Any]


def memory_of(status: Mapping[str, Any]) -> Memory:
    """
    Read the memory from an object's status; what is not there was never known.

    The API server has checked the shape against the schema, so a value that does not fit is a bug and raises.
    """
    diagnosis = status.get("diagnosis") or {}
    recommendation = status.get("recommendation")
    last_change = status.get("lastChange")
    query = (status.get("baseline") or {}).get("queryMicroseconds")
    bottleneck = diagnosis.get("bottleneck")
    return Memory(
        bottleneck=Bottleneck(bottleneck) if bottleneck in set(Bottleneck) else None,
        since=_when(diagnosis["since"]) if diagnosis.get("since") else None,
        recommended=_configuration(recommendation) if recommendation else None,
        change=_change(last_change) if last_change else None,
        history=tuple(_change(one) for one in status.get("history") or ()),
        query_floor_s=query / 1e6 if query is not None else None,
    )


def memory_fields(memory: Memory) -> Json:
    """Return the parts of a status that only the memory fills."""
    floor_s = memory.query_floor_s
    return {
        "lastChange": change_fields(memory.change) if memory.change else None,
        "history": [{name: part for name, part in change_fields(one).items() if name != "because"} for one in memory.history],
        "baseline": {"queryMicroseconds": round(floor_s * 1e6)} if floor_s is not None else None,
    }


def change_fields(change: Change) -> Json:
    """Return one change in the words of the resource."""
    return {
        "plan": change.plan,
        "at": timestamp(change.at),
        "reason": change.reason,
        "because": change.because[:SENTENCE_MOST],
        "outcome": str(change.outcome),
        "from": configuration_fields(change.before),
        "to": configuration_fields(change.target),
    }


def configuration_fields(one: Configuration) -> Json:
    """Return a configuration in the words of the resource."""
    return {
        "replicas": one.replicas,
        "workers": one.workers,
        "poolSize": one.pool_size,
        "maxOverflow": one.max_overflow,
    }


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _configuration(fields: Mapping[str, Any]) -> Configuration:
    return Configuration(
        replicas=fields["replicas"],
        workers=fields["workers"],
        pool_size=fields["poolSize"],
        max_overflow=fields["maxOverflow"],
    )


def _change(fields: Mapping[str, Any]) -> Change:
    return Change(
        plan=fields["plan"],
        at=_when(fields["at"]),
        reason=fields["reason"],
        because=fields.get("because") or "",
        outcome=Outcome(fields["outcome"]),
        before=_configuration(fields["from"]),
        target=_configuration(fields["to"]),
    )
