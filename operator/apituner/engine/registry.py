"""Which objects there are, as the watch told last; what the sweep reads at its start."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The kinds of object that the registry holds, by their plural."""

    TUNING = "apitunings"
    BUDGET = "connectionbudgets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One object of ours: the parts that a sweep reads."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    generation: int
    created_at: datetime
    spec: Mapping[str, Any]
    status: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name


def resource(kind: Kind, body: Mapping[str, Any]) -> Resource:
    """Read the parts that matter from the object as the API server sends it, and keep no reference to the rest."""
    metadata = body["metadata"]
    return Resource(
        kind=kind,
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
        spec=dict(body.get("spec") or {}),
        status=dict(body.get("status") or {}),
    )


@dataclass(slots=True)
class Registry:
    """The objects of both kinds. Written by the watch, read by the sweep, both on one event loop: no lock is needed."""

    _objects: dict[tuple[Kind, str, str], Resource] = field(default_factory=dict)

    def seen(self, found: Resource) -> None:
        """Keep *found*, in place of what was known under its name."""
        self._objects[found.kind, found.namespace, found.name] = found

    def gone(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Forget an object, unless its name already belongs to a newer one."""
        known = self._objects.get((kind, namespace, name))
        if known is not None and known.uid == uid:
            del self._objects[kind, namespace, name]

    def replace_all(self, kind: Kind, found: Iterable[Resource]) -> None:
        """Keep exactly *found* of *kind*: after a list, whatever was missed while nobody watched."""
        self._objects = {key: known for key, known in self._objects.items() if key[0] is not kind}
        for one in found:
            self.seen(one)

    def all(self, kind: Kind) -> tuple[Resource, ...]:
        """Return the objects of *kind*, the oldest first, so that of two on one target the older wins."""
        known = (one for one in self._objects.values() if one.kind is kind)
        return tuple(sorted(known, key=lambda one: (one.created_at, one.namespace, one.name)))
