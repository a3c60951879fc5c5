"""
Where a value differs from its schema, in the schema's words alone: what a response holds is nobody's business but its client's.

The validator's messages and its paths in the value hold values and keys. So the place is told by the path in the schema, and what was
expected by what stands there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema_rs import ValidationError, ValidationErrorKind

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


def told(error: ValidationError, document: Mapping[str, Any]) -> Deviation:
    """Tell what the validator found in the words of *document*; of alternatives, what is wrong with the one that was meant."""
    kind = error.kind
    if isinstance(kind, ValidationErrorKind.AnyOf | ValidationErrorKind.OneOfNotValid):
        if (closest := _closest(kind.context, len(error.instance_path))) is not None:
            return told(closest, document)
        expected = " or ".join(dict.fromkeys(_expected(branch[0], document) for branch in kind.context if branch))
        return Deviation(field=_field(error.evaluation_path), expected=expected[:_LONGEST_EXPECTATION])
    field = _field(error.evaluation_path)
    if isinstance(kind, ValidationErrorKind.Required):
        return Deviation(field=f"{field}.{kind.property}", expected="required")
    return Deviation(field=field, expected=_expected(error, document))


def _closest(branches: Sequence[Sequence[ValidationError]], depth: int) -> ValidationError | None:
    """
    Return the first error of the alternative that the value was most likely meant to be; None where two are equally likely.

    It is one whose type and whose constants (the discriminator of a union) the value has; of several, the one with the fewest errors.
    """

    def distance(branch: Sequence[ValidationError]) -> tuple[int, int, int]:
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


def _expected(error: ValidationError, document: Mapping[str, Any]) -> str:
    place: Any = document
    for step in error.schema_path:
        try:
            # The validator takes any name of digits for a number, a status too.
            place = place[str(step) if isinstance(place, Mapping) else step]
        except (KeyError, IndexError, TypeError):
            return error.kind.name
    return f"{error.kind.name} {json.dumps(place)}"[:_LONGEST_EXPECTATION]
