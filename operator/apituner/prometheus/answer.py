"""The envelope of Prometheus' query API, read strictly: anything unexpected is a bad answer, never an empty one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from apituner.prometheus.faults import BadAnswer, Partial
from apituner.prometheus.refusal import quoted, refusal

# Remarks about the style of a query; the answer beside them is whole.
_LINT = "PromQL info:"
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One element of an instant vector; *value* may be NaN or infinite, as Prometheus may say so."""

    labels: Mapping[str, str]
    value: float


def samples(source: str, status: int, body: bytes) -> tuple[Sample, ...]:
    """Read an instant vector, or raise the fault that the answer stands for."""
    document = _document(body)
    if status != _OK:
        raise refusal(source, status, _error(document))
    if document is None:
        advice = "its address must be that of the query API itself, not of a login page or a user interface"
        raise BadAnswer(source, "answered something that is not JSON", advice)
    try:
        return _vector(source, document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        advice = "check that its address is that of a Prometheus, and which proxy stands between"
        raise BadAnswer(source, "answered JSON of another shape than the query API has", advice) from error


def _vector(source: str, document: object) -> tuple[Sample, ...]:
    match document:
        case {"status": "success", "data": {"resultType": "vector", "result": [*elements]}, **rest}:
            _must_be_whole(source, rest.get("warnings"), rest.get("infos"))
            return tuple(_sample(element) for element in elements)
        case {"status": "success", "data": {"resultType": str(kind)}} if kind != "vector":
            raise BadAnswer(source, f"answered a {quoted(kind)} where a vector was asked for", "check which proxy rewrites the queries")
        case _:
            raise TypeError("no successful instant query")


def _must_be_whole(source: str, *remarks: object) -> None:
    """Thanos and Mimir answer 200 with what they found so far, and say only in the warnings that a store is missing."""
    telling = [str(remark) for group in remarks for remark in _list(group) if not str(remark).startswith(_LINT)]
    if telling:
        raise Partial(source, f"answered in part ({quoted(telling[0])})", "bring its missing part back; until then nothing is concluded")


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError("remarks must be a list")
    return value


def _sample(element: object) -> Sample:
    match element:
        case {"metric": dict(labels), "value": [int() | float(), str(value)]} if all(isinstance(label, str) for label in labels.values()):
            return Sample(labels=labels, value=float(value))
        case _:
            raise TypeError("no element of an instant vector")


def _error(document: object) -> str:
    """Return Prometheus' own words, where there are any."""
    match document:
        case {"error": str(words)}:
            return words
        case _:
            return ""


def _document(body: bytes) -> object:
    """The JSON document, None where there is none; JSON nested without end is none either."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
