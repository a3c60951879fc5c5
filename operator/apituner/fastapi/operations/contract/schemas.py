"""
Where a value differs from its schema, in the schema's words alone: what a response holds is nobody's business but its client's.

The validator's messages and its paths in the value hold values and keys. So the place is told by the path in the schema, and what was
expected by what stands there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from apituner.fastapi.operations.contract.documents import Document, Pointer

# Any name will do: nothing is fetched by it.
_NAME = "urn:apituner:openapi"

# Enough to recognize a pattern or the values of an enumeration.
_LONGEST_EXPECTATION = 100

# After these words in a path stands a name, which is not a word of JSON Schema even if it looks like one.
_BEFORE_A_NAME = frozenset({"dependentSchemas", "dependencies", "dependentRequired"})
_ITEMS = frozenset({"items", "unevaluatedItems", "contains"})
_ANY_NAME = frozenset({"additionalProperties", "unevaluatedProperties", "propertyNames"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A response that is not as declared."""

    field: str
    """Where: ``$.lines[].sku``, or what besides the body."""
    expected: str
    """In the document's words."""


class Schemas:
    """The schemas of one document. For one thread."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._validators: dict[Pointer, jsonschema_rs.Draft202012Validator] = {}

    def deviation(self, pointer: Pointer, value: object) -> Deviation | None:
        """
        Return the first place where *value* differs from the schema at *pointer*; None where it fits.

        Only the first: to find 20,000 would take 110 ms in which no other thread runs (measured), to find one .4 ms.

        Raises ValueError for a schema that is none.
        """
        if (validator := self._validators.get(pointer)) is None:
            way = quote("".join("/" + step.replace("~", "~0").replace("/", "~1") for step in pointer))
            validator = self._validators[pointer] = jsonschema_rs.Draft202012Validator(
                {"$ref": f"{_NAME}#{way}"}, registry=self._registry, mask="", offline=True, validate_formats=False
            )
        try:
            validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            return self._told(error)
        return None

    @cached_property
    def _registry(self) -> jsonschema_rs.Registry:
        return jsonschema_rs.Registry([(_NAME, dict(self._document.content))])

    def _told(self, error: jsonschema_rs.ValidationError) -> Deviation:
        kind = error.kind
        if isinstance(kind, jsonschema_rs.ValidationErrorKind.AnyOf | jsonschema_rs.ValidationErrorKind.OneOfNotValid):
            if (closest := _closest(kind.context, len(error.instance_path))) is not None:
                return self._told(closest)
            expected = " or ".join(dict.fromkeys(self._expected(branch[0]) for branch in kind.context if branch))
            return Deviation(field=_field(error.evaluation_path), expected=expected[:_LONGEST_EXPECTATION])
        field = _field(error.evaluation_path)
        if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
            return Deviation(field=f"{field}.{kind.property}", expected="required")
        return Deviation(field=field, expected=self._expected(error))

    def _expected(self, error: jsonschema_rs.ValidationError) -> str:
        place: Any = self._document.content
        for step in error.schema_path:
            try:
                # The validator takes any name of digits for a number, a status too.
                place = place[str(step) if isinstance(place, Mapping) else step]
            except (KeyError, IndexError, TypeError):
                return error.kind.name
        return f"{error.kind.name} {json.dumps(place)}"[:_LONGEST_EXPECTATION]


def _closest(branches: Sequence[Sequence[jsonschema_rs.ValidationError]], depth: int) -> jsonschema_rs.ValidationError | None:
    """
    Return the first error of the alternative that the value was most likely meant to be; None where two are equally likely.

    It is one whose type and whose constants (the discriminator of a union) the value has; of several, the one with the fewest errors.
    """

    def distance(branch: Sequence[jsonschema_rs.ValidationError]) -> tuple[int, int, int]:
        another_type = sum(error.kind.name == "type" and len(error.instance_path) == depth for error in branch)
        another_constant = sum(error.kind.name in ("const", "enum") and len(error.instance_path) == depth + 1 for error in branch)
        return another_type, another_constant, len(branch)

    ranked = sorted((branch for branch in branches if branch), key=distance)
    if not ranked or (len(ranked) > 1 and distance(ranked[0]) == distance(ranked[1])):
        return None
    return ranked[0][0]


def _field(path: Sequence[str | int]) -> str:
    """Return the place in the value to which a path through schemas leads: ``$``, names, ``[]`` for any item, ``*`` for any other name."""
    field = "$"
    steps = iter(path)
    for step in steps:
        if step == "properties":
            field += f".{next(steps, '')}"
        elif step == "patternProperties":
            next(steps, None)
            field += ".*"
        elif step in _ANY_NAME:
            field += ".*"
        elif step in _ITEMS:
            field += "[]"
        elif step == "prefixItems":
            next(steps, None)
            field += "[]"
        elif step in _BEFORE_A_NAME:
            next(steps, None)
    return field
