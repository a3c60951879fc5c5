"""A deviation is named by its place and by what was expected, in the schema's words: no value and no key of a response is told."""

from typing import Annotated, Any, Literal

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from apituner.fastapi.operations.contract.documents import Document
from apituner.fastapi.operations.contract.schemas import Schemas

_SECRET = "card-4929"  # noqa: S105 - what must be found nowhere


class _Line(BaseModel):
    sku: str
    quantity: Annotated[int, Field(ge=1)]


class _Card(BaseModel):
    kind: Literal["card"]
    number: str


class _Cash(BaseModel):
    kind: Literal["cash"]
    till: int


class _Address(BaseModel):
    model_config = ConfigDict(extra="forbid")

    city: str


class _Order(BaseModel):
    id: int
    lines: list[_Line] = []
    by_shop: dict[str, _Line] = {}
    address: _Address | None = None
    payment: Annotated[_Card | _Cash, Field(discriminator="kind")] | None = None
    state: Literal["open", "sent"] = "open"
    pair: tuple[int, str] = (1, "a")
    id_or_name: int | str = 1
    items: list[int] | None = None
    properties: dict[str, int] = {}
    parts: list["_Order"] = []


def _document() -> Document:
    app = FastAPI()
    app.get("/orders/{order_id}", response_model=_Order)(lambda: None)
    return Document(prefix="", content=app.openapi())


_SCHEMAS = Schemas(_document())
_POINTER = ("paths", "/orders/{order_id}", "get", "responses", "200", "content", "application/json", "schema")


@pytest.mark.parametrize(
    ("field", "expected", "order"),
    [
        pytest.param("$.id", "required", {}, id="a field that is missing"),
        pytest.param("$.id", 'type "integer"', {"id": _SECRET}, id="a field of the wrong type"),
        pytest.param("$.id", 'type "integer"', {"id": None}, id="a null that may not be"),
        pytest.param("$.lines[].quantity", 'type "integer"', {"id": 1, "lines": [{"sku": "a", "quantity": _SECRET}]}, id="one of an item"),
        pytest.param("$.lines[].quantity", "minimum 1.0", {"id": 1, "lines": [{"sku": "a", "quantity": 0}]}, id="a number out of bounds"),
        pytest.param("$.lines[].sku", "required", {"id": 1, "lines": [{"quantity": 1}]}, id="one that is missing from an item"),
        pytest.param(
            "$.by_shop.*.sku", 'type "string"', {"id": 1, "by_shop": {_SECRET: {"sku": 1, "quantity": 1}}}, id="below a free name"
        ),
        pytest.param("$.state", 'enum ["open", "sent"]', {"id": 1, "state": _SECRET}, id="a word that is none of them"),
        pytest.param("$.pair[]", 'type "integer"', {"id": 1, "pair": [_SECRET, "a"]}, id="an item at its place"),
        pytest.param("$.address.city", "required", {"id": 1, "address": {}}, id="an optional object with a fault in it"),
        pytest.param("$.address", 'type "object" or type "null"', {"id": 1, "address": _SECRET}, id="neither the object nor null"),
        pytest.param("$.address.*", "additionalProperties false", {"id": 1, "address": {"city": "a", _SECRET: 1}}, id="a field too many"),
        pytest.param("$.payment.till", 'type "integer"', {"id": 1, "payment": {"kind": "cash", "till": _SECRET}}, id="one kind of a union"),
        pytest.param("$.payment.number", "required", {"id": 1, "payment": {"kind": "card"}}, id="the other kind"),
        pytest.param("$.id_or_name", 'type "integer" or type "string"', {"id": 1, "id_or_name": []}, id="one of two types, and is neither"),
        pytest.param("$.items[]", 'type "integer"', {"id": 1, "items": [_SECRET]}, id="a field that is called as a word of JSON Schema"),
        pytest.param("$.properties.*", 'type "integer"', {"id": 1, "properties": {_SECRET: _SECRET}}, id="another one"),
        pytest.param("$.parts[].parts[].id", 'type "integer"', {"id": 1, "parts": [{"id": 2, "parts": [{"id": _SECRET}]}]}, id="recursion"),
        pytest.param("$", 'type "object"', _SECRET, id="something else altogether"),
    ],
)
def test_a_deviation_is_told_without_what_was_sent(field: str, expected: str, order: Any) -> None:  # noqa: ANN401 - any JSON
    """Where, and what the schema says there."""
    found = _SCHEMAS.deviation(_POINTER, order)
    assert found
    assert (field, expected) == (found.field, found.expected)
    assert _SECRET not in f"{found}"


def test_what_fits_is_no_deviation() -> None:
    """With all that may be there, and with more than is declared."""
    order = {
        "id": 1,
        "lines": [{"sku": "a", "quantity": 2, "more": 1}],
        "by_shop": {"here": {"sku": "a", "quantity": 2}},
        "address": {"city": "Ulm"},
        "payment": {"kind": "card", "number": "1"},
        "parts": [{"id": 2, "items": [1], "parts": []}],
        "undeclared": {"anything": None},
    }
    assert _SCHEMAS.deviation(_POINTER, order) is None


def _schema(schema: Any) -> Schemas:  # noqa: ANN401 - any JSON
    return Schemas(Document(prefix="", content={"at": {"a b/{c}%~": schema}}))


def test_a_place_of_any_name_is_found() -> None:
    """Paths have braces and slashes."""
    assert _schema({"type": "integer"}).deviation(("at", "a b/{c}%~"), "x")


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "whatever"}, id="a type that is none"),
        pytest.param({"pattern": "(unclosed"}, id="a pattern that is none"),
        pytest.param({"$ref": "#/nowhere"}, id="a reference to nothing"),
        pytest.param({"$ref": "http://127.0.0.1:9/schema"}, id="a reference to another server, which is not asked"),
    ],
)
def test_a_schema_that_is_none_is_an_error(schema: dict[str, str]) -> None:
    """Who checks takes any exception for "cannot be checked"."""
    with pytest.raises(Exception):  # noqa: B017, PT011 - of the validator's, whichever
        _schema(schema).deviation(("at", "a b/{c}%~"), 1)


def test_an_expectation_is_no_longer_than_a_line() -> None:
    """An enumeration may have thousands of words."""
    found = _schema({"enum": [f"word-{number}" for number in range(10_000)]}).deviation(("at", "a b/{c}%~"), 1)
    assert found
    assert len(found.expected) == 100


@pytest.mark.parametrize(
    ("field", "expected", "schema", "value"),
    [
        pytest.param(
            "$[]",
            'type "integer"',
            {"anyOf": [{"items": {"type": "integer"}, "type": "array"}, {"type": "null"}]},
            [""] * 9999,
            id="all differ",
        ),
        pytest.param("$[]", 'type "integer"', {"items": {"type": "integer"}}, [*range(9998), ""], id="the last of many differs"),
        pytest.param(
            "$[]", 'type "integer"', {"items": {"type": "integer"}, "minItems": 50}, [*range(59), ""], id="one of a list that must be long"
        ),
        pytest.param(
            "$.*",
            'type "integer"',
            {"required": ["name_151"], "additionalProperties": {"type": "integer"}},
            {f"name_{number}": number if number != 152 else "" for number in range(300)},
            id="one of very many fields, of which another must be there",
        ),
        pytest.param(
            "$.*",
            'type "integer"',
            {"additionalProperties": {"type": "integer"}},
            {str(number): "" for number in range(9999)},
            id="all fields",
        ),
        pytest.param(
            "$.*",
            'type "integer"',
            {"minProperties": 9, "patternProperties": {"^x": {"type": "integer"}}},
            {f"x{n}": "" for n in range(9)},
            id="a pattern",
        ),
    ],
)
def test_a_deviation_among_many_is_found(field: str, expected: str, schema: dict[str, Any], value: Any) -> None:  # noqa: ANN401 - any JSON
    """Only some of many are looked at, all of them where that does not tell; and nothing is blamed that the looking has made."""
    found = _schema(schema).deviation(("at", "a b/{c}%~"), value)
    assert found
    assert (field, expected) == (found.field, found.expected)
