"""Whether a value fits a schema of a document, and where it does not; for as short a time as the interpreter's lock can be missed."""

from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import quote

from jsonschema_rs import Draft202012Validator, Registry, ValidationError

from apituner.fastapi.operations.contract.deviations import Deviation, told
from apituner.fastapi.operations.contract.documents import Document, Pointer

# Any name will do: nothing is fetched by it.
_NAME = "urn:apituner:openapi"

# The validator lists every error within an alternative: of 8,000 items of an optional list that all lack a field it makes 100 ms, in which
# no other thread runs, and of 20 less than one (measured). Where all differ alike, as they do when a schema was changed, 20 tell as much.
_MOST_ITEMS = 20
# An object of more fields than that is one of free names; hardly any declares so many.
_MOST_FIELDS = 100

# What a value that was thinned out may break, and the whole one keeps.
_OF_WHOLE_VALUES = ("minItems", "contains", "minProperties")


class Schemas:
    """The schemas of one document. For one thread."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._validators: dict[Pointer, Draft202012Validator] = {}

    def deviation(self, pointer: Pointer, value: object) -> Deviation | None:
        """Return the first place where *value* differs from the schema at *pointer*; None where it fits. ValueError: it is no schema."""
        if (validator := self._validators.get(pointer)) is None:
            way = quote("".join("/" + step.replace("~", "~0").replace("/", "~1") for step in pointer))
            validator = self._validators[pointer] = Draft202012Validator(
                {"$ref": f"{_NAME}#{way}"}, registry=self._registry, mask="", offline=True, validate_formats=False
            )
        if validator.is_valid(value):
            return None
        thinned = _Thinned(value)
        found = self._first(validator, thinned.value)
        return self._first(validator, value) if found is None or thinned.may_alone_break(found.expected) else found

    @cached_property
    def _registry(self) -> Registry:
        return Registry([(_NAME, dict(self._document.content))])

    def _first(self, validator: Draft202012Validator, value: object) -> Deviation | None:
        try:
            validator.validate(value)
        except ValidationError as error:
            return told(error, self._document.content)
        return None


class _Thinned:
    """A copy of a value: of each list at most 20 items, and of each object at most 100 fields, from all over it."""

    def __init__(self, value: object) -> None:
        self._lacks_fields = False
        self.value = self._copy(value)

    def may_alone_break(self, expected: str) -> bool:
        """Whether the copy may break what the value keeps."""
        return expected.startswith(_OF_WHOLE_VALUES) or (self._lacks_fields and expected == "required")

    def _copy(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, list):
            return [self._copy(item) for item in value[:: _stride(len(value), _MOST_ITEMS)]]
        if isinstance(value, dict):
            stride = _stride(len(value), _MOST_FIELDS)
            self._lacks_fields = self._lacks_fields or stride > 1
            return {name: self._copy(item) for name, item in islice(value.items(), 0, None, stride)}
        return value


def _stride(count: int, most: int) -> int:
    return max(1, -(-count // most))
