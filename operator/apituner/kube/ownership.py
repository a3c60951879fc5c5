"""Who owns which field of a Deployment, read from ``metadata.managedFields``."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

MANAGER = "apituner"
"""The field manager of every write: a promise to GitOps tools, which are told to leave this manager's fields alone."""

_CONTAINERS = ("f:spec", "f:template", "f:spec", "f:containers")


def foreign_owner(deployment: Mapping[str, Any], container: str, variable: str) -> str | None:
    """The field manager other than ours that owns the variable's literal value; the first by name if there are several."""
    managers = {
        str(entry.get("manager"))
        for entry in _entries(deployment)
        if entry.get("manager") != MANAGER
        for owned_container, owned_variable, fields in _variables(entry)
        if (owned_container, owned_variable) == (container, variable) and "f:value" in fields
    }
    return min(managers, default=None)


def applied_variables(deployment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """
    (container, variable) of every env entry that our applies own, whatever the spec names today.

    An apply that leaves one of them out gives it up, and the API server then deletes it.
    """
    return [
        (container, variable)
        for entry in _entries(deployment)
        if (entry.get("manager"), entry.get("operation")) == (MANAGER, "Apply")
        for container, variable, _ in _variables(entry)
    ]


def written_at(deployment: Mapping[str, Any]) -> datetime | None:
    """
    When our field manager last changed the Deployment, template or replicas; None if never.

    An entry may have no time: the API server keeps none for what went through ``/scale`` (seen on 1.37).
    """
    times = [datetime.fromisoformat(entry["time"]) for entry in _entries(deployment) if entry.get("manager") == MANAGER and "time" in entry]
    return max(times, default=None)


def _entries(deployment: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries: list[Mapping[str, Any]] = deployment["metadata"].get("managedFields") or []
    return entries


def _variables(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(container, variable, owned fields) of one manager."""
    fields: Mapping[str, Any] = entry.get("fieldsV1") or {}
    for step in _CONTAINERS:
        fields = fields.get(step) or {}
    for container, of_container in _named(fields):
        for variable, of_variable in _named(of_container.get("f:env") or {}):
            yield container, variable, of_variable


def _named(fields: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The items of a list that is keyed by name: ``k:{"name":"api"}``."""
    for key, below in fields.items():
        if key.startswith("k:"):
            yield json.loads(key[2:])["name"], below
