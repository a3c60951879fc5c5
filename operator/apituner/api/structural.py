"""
From a model to a structural schema, the only kind that a CRD may hold.

Structural schemas know no ``$ref``, no ``anyOf`` with null and no closed objects; what a schema does not name is pruned by the API server.
"""

from collections.abc import Mapping
from typing import Any

from apituner.api.rules import Part

Schema = dict[str, Any]

# A closed object is what pruning does; titles repeat the names of the fields.
_DROPPED = ("title", "additionalProperties")
# What a reader looks for first stands first; what is not named here follows in the order of the model.
_FIRST = ("description", "type", "nullable", "format", "enum", "default", "required")


def structural(model: type[Part], *, reported: bool) -> Schema:
    """
    Return the schema of *model*.

    In a *reported* part (a status) an absent value may be written as null, and nothing is filled in: a default there would be a report
    that nobody made. In a spec null is refused and the API server fills the defaults in.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    definitions = schema.pop("$defs", {})
    return _plain(schema, definitions, reported=reported)


def _plain(node: Schema, definitions: Mapping[str, Schema], *, reported: bool) -> Schema:
    if "$ref" in node:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**definitions[node["$ref"].removeprefix("#/$defs/")], **beside}
    if "anyOf" in node:
        node = _optional(node, nullable=reported)
        return _plain(node, definitions, reported=reported)
    plain = {key: value for key, value in node.items() if key not in _DROPPED}
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    if "description" in plain:
        plain["description"] = " ".join(plain["description"].split())
    if plain.get("default") in (None, []) or reported:
        plain.pop("default", None)
    if "items" in plain:
        plain["items"] = _plain(plain["items"], definitions, reported=reported)
    if "properties" in plain:
        fields = plain.pop("properties")
        plain["properties"] = {name: _plain(field, definitions, reported=reported) for name, field in fields.items()}
    return {key: plain[key] for key in (*_FIRST, *plain) if key in plain}


def _optional(node: Schema, *, nullable: bool) -> Schema:
    """Unfold ``T | None``, the only union that the models use."""
    (kind,) = (option for option in node["anyOf"] if option.get("type") != "null")
    beside = {key: value for key, value in node.items() if key != "anyOf"}
    return {**kind, **beside, **({"nullable": True} if nullable else {})}
