"""Memory to status and back: what must outlive a restart, in the words of the resource."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apituner.api.words import timestamp
from apituner.core.agreement import Agreement
from apituner.core.blocks import Block
from apituner.core.diagnosis import Bottleneck
from apituner.core.memory import Memory
from apituner.core.stabilization import Enough
from apituner.engine.chronicle import Json, change_fields, change_of, configuration_fields, configuration_of, past_change_fields

__all__ = ["MEMORY_FIELDS", "Json", "change_fields", "configuration_fields", "memory_fields", "memory_of"]

MEMORY_FIELDS = ("lastChange", "history", "baseline", "blocks", "lastKnownGood", "pace")
"""The parts of a status that only the memory fills."""


def memory_of(status: Mapping[str, Any]) -> Memory:
    """
    Read the memory from an object's status; what is not there was never known.

    The API server has checked the shape against the schema, so a value that does not fit is a bug and raises.
    """
    diagnosis = status.get("diagnosis") or {}
    recommendation, good = status.get("recommendation"), status.get("lastKnownGood")
    last_change = status.get("lastChange")
    query = (status.get("baseline") or {}).get("queryMicroseconds")
    bottleneck = diagnosis.get("bottleneck")
    pace = status.get("pace") or {}
    return Memory(
        bottleneck=Bottleneck(bottleneck) if bottleneck in set(Bottleneck) else None,
        since=_when(diagnosis["since"]) if diagnosis.get("since") else None,
        recommended=configuration_of(recommendation) if recommendation else None,
        change=change_of(last_change) if last_change else None,
        history=tuple(change_of(one) for one in status.get("history") or ()),
        query_floor_s=query / 1e6 if query is not None else None,
        rollouts=tuple(_when(at) for at in pace.get("rollouts") or ()),
        blocks=tuple(_block(one) for one in status.get("blocks") or ()),
        last_known_good=configuration_of(good) if good else None,
        stair=tuple(Enough(replicas=one["replicas"], since=_when(one["since"])) for one in pace.get("enough") or ()),
        agreement=_agreement(pace["agreement"]) if pace.get("agreement") else None,
    )


def memory_fields(memory: Memory) -> Json:
    """Return the parts of a status that only the memory fills."""
    floor_s, good = memory.query_floor_s, memory.last_known_good
    return {
        "lastChange": change_fields(memory.change) if memory.change else None,
        "history": [past_change_fields(one) for one in memory.history],
        "baseline": {"queryMicroseconds": round(floor_s * 1e6)} if floor_s is not None else None,
        "blocks": [
            {
                "from": configuration_fields(one.before),
                "to": configuration_fields(one.target),
                "until": timestamp(one.until),
                "count": one.count,
            }
            for one in memory.blocks
        ],
        "lastKnownGood": configuration_fields(good) if good is not None else None,
        "pace": _pace(memory),
    }


def _pace(memory: Memory) -> Json | None:
    agreed = memory.agreement
    if not memory.rollouts and not memory.stair and agreed is None:
        return None
    return {
        "rollouts": [timestamp(at) for at in memory.rollouts],
        "enough": [{"replicas": one.replicas, "since": timestamp(one.since)} for one in memory.stair],
        "agreement": {"to": configuration_fields(agreed.target), "since": timestamp(agreed.since)} if agreed is not None else None,
    }


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _block(fields: Mapping[str, Any]) -> Block:
    return Block(
        before=configuration_of(fields["from"]),
        target=configuration_of(fields["to"]),
        until=_when(fields["until"]),
        count=fields["count"],
    )


def _agreement(fields: Mapping[str, Any]) -> Agreement:
    return Agreement(target=configuration_of(fields["to"]), since=_when(fields["since"]))
