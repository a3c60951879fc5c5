"""A response is as declared, or it is said in what it is not, or why nobody can say."""

from typing import Any

import pytest

from apituner.fastapi.operations.contract.bodies import Skipped
from apituner.fastapi.operations.contract.deviations import Deviation
from apituner.fastapi.operations.contract.documents import Document, Documents
from apituner.fastapi.operations.contract.sampling import Sample
from apituner.fastapi.operations.contract.verdicts import FITS, Judge

_NUMBER = {"schema": {"type": "integer"}}
_RESPONSES: dict[str, Any] = {
    "200": {"content": {"application/json": _NUMBER}},
    "201": {"content": {"application/vnd.shop+json; charset=utf-8": _NUMBER, "text/*": {}}},
    "202": {"description": "taken"},
    "203": {"content": {"*/*": _NUMBER}},
    "204": {"content": {"application/json": _NUMBER}},
    "206": {"content": {"application/json": {}}},
    "4XX": {"content": {"application/problem+json": {"schema": {"type": "object", "required": ["title"]}}}},
}
_CONTENT = {"paths": {"/": {"get": {"responses": _RESPONSES}, "head": {"responses": _RESPONSES}}}}


def _sample(status: int, content_type: str, *parts: bytes) -> Sample:
    sample = Sample({"status": status, "headers": [(b"content-type", content_type.encode())] if content_type else []}, 100)
    for part in parts:
        sample.append(part)
    return sample


@pytest.mark.parametrize(
    ("expected", "sample"),
    [
        pytest.param(FITS, _sample(200, "application/json", b"1"), id="as declared"),
        pytest.param(FITS, _sample(200, "Application/JSON; charset=utf-8", b"1"), id="the same type, written otherwise"),
        pytest.param(Deviation(field="$", expected='type "integer"'), _sample(200, "application/json", b'"1"'), id="another value"),
        pytest.param(Deviation(field="body", expected="JSON"), _sample(200, "application/json", b"<p>"), id="no JSON, but said to be"),
        pytest.param(Deviation(field="body", expected="JSON"), _sample(200, "application/json", b""), id="nothing, but said to be JSON"),
        pytest.param(Deviation(field="content-type", expected="application/json"), _sample(200, "text/html", b"1"), id="another type"),
        pytest.param(Deviation(field="content-type", expected="application/json"), _sample(200, "", b""), id="no type, and no body"),
        pytest.param(FITS, _sample(201, "application/vnd.shop+json", b"1"), id="a JSON of our own"),
        pytest.param(Deviation(field="$", expected='type "integer"'), _sample(201, "application/vnd.shop+json", b"[]"), id="another one"),
        pytest.param(FITS, _sample(201, "text/csv", b"1"), id="a range of types"),
        pytest.param(FITS, _sample(202, "text/html", b"<p>"), id="nothing is declared of the body"),
        pytest.param(FITS, _sample(203, "image/png", b"\x89"), id="any type, and this one is no JSON"),
        pytest.param(
            Deviation(field="$", expected='type "integer"'), _sample(203, "application/json", b"{}"), id="any type, and it is JSON"
        ),
        pytest.param(FITS, _sample(204, "", b""), id="no content has no type"),
        pytest.param(FITS, _sample(206, "application/json", b"{}"), id="a type without a schema"),
        pytest.param(FITS, _sample(404, "application/problem+json", b'{"title": ""}'), id="a range of statuses"),
        pytest.param(
            Deviation(field="$.title", expected="required"), _sample(409, "application/problem+json", b"{}"), id="in a range, too"
        ),
        pytest.param(
            Deviation(field="status", expected="one of 200, 201, 202, 203, 204, 206, 4XX"), _sample(301, "text/html"), id="another status"
        ),
        pytest.param(Skipped(reason="fault"), _sample(500, "text/plain", b"Internal Server Error"), id="a fault is no answer"),
        pytest.param(Skipped(reason="size"), _sample(200, "application/json", b"1" * 101), id="too long a body"),
        pytest.param(
            Deviation(field="status", expected="one of 200, 201, 202, 203, 204, 206, 4XX"), _sample(302, "", b"1" * 101), id="and yet"
        ),
        pytest.param(Skipped(reason="unseen"), _sample(200, "application/json"), id="a file that the server sends by itself"),
    ],
)
def test_a_response_is_judged_by_its_declaration(expected: object, sample: Sample) -> None:
    """Its status, its type, its body, in this order."""
    assert expected == Judge(Documents([Document(prefix="", content=_CONTENT)]), 100).verdict(sample, "/", "GET")


def test_a_response_to_head_has_no_body() -> None:
    """Its type is that of the body that it has not."""
    judge = Judge(Documents([Document(prefix="", content=_CONTENT)]), 100)
    assert judge.verdict(_sample(200, "application/json", b""), "/", "HEAD") is FITS


def test_a_route_that_is_in_no_document_is_nobodys_promise() -> None:
    """Nothing is counted of it."""
    judge = Judge(Documents([Document(prefix="", content=_CONTENT)]), 100)
    assert judge.verdict(_sample(200, "application/json", b"1"), "/elsewhere", "GET") is None
    assert judge.verdict(_sample(200, "application/json", b"1"), "/", "POST") is None
