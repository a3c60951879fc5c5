"""The envelope: one shape is an answer, everything else is a fault with its sentence."""

import json
import math

import pytest

from apituner.prometheus.answer import Sample, samples
from apituner.prometheus.faults import Auth, BadAnswer, BadQuery, Partial, Refused, SourceFault, Unreachable


def body(result: object, **more: object) -> bytes:
    """Write a successful answer."""
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}, **more}).encode()


ONE = [{"metric": {"namespace": "shop"}, "value": [1700000000.123, "1.5"]}]


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        pytest.param((), body([]), id="nothing found"),
        pytest.param((Sample(labels={"namespace": "shop"}, value=1.5),), body(ONE), id="one sample"),
        pytest.param((Sample(labels={"namespace": "shop"}, value=1.5),), body(ONE, warnings=[]), id="no warning in the list"),
        pytest.param((Sample(labels={"namespace": "shop"}, value=1.5),), body(ONE, infos=["PromQL info: a name"]), id="a remark on style"),
        pytest.param((Sample(labels={}, value=math.inf),), body([{"metric": {}, "value": [1, "+Inf"]}]), id="infinity is told as such"),
    ],
)
def test_an_answer(expected: tuple[Sample, ...], answer: bytes) -> None:
    """A whole vector gives its samples."""
    assert expected == samples("default", 200, answer)


@pytest.mark.parametrize(
    ("expected", "words", "status", "answer"),
    [
        pytest.param(BadAnswer, "not JSON", 200, b"<html>Please log in</html>", id="a login page"),
        pytest.param(BadAnswer, "not JSON", 200, b"", id="an empty body"),
        pytest.param(BadAnswer, "not JSON", 200, body(ONE)[:-9], id="half a document"),
        pytest.param(BadAnswer, "not JSON", 200, b"[" * 100_000, id="nested without end"),
        pytest.param(BadAnswer, "another shape", 200, b"[]", id="a list"),
        pytest.param(BadAnswer, "another shape", 200, b"{}", id="an empty object"),
        pytest.param(BadAnswer, "another shape", 200, b"7", id="a number"),
        pytest.param(BadAnswer, "another shape", 200, b'{"status":"error","error":"no"}', id="an error under 200"),
        pytest.param(BadAnswer, "another shape", 200, body(None), id="a result that is null"),
        pytest.param(BadAnswer, "another shape", 200, body([{"metric": {}, "values": [[1, "1"]]}]), id="a matrix's element"),
        pytest.param(BadAnswer, "another shape", 200, body([{"metric": {}, "value": [1, 1.5]}]), id="a bare number"),
        pytest.param(BadAnswer, "another shape", 200, body([{"metric": {}, "value": [1, "many"]}]), id="a word for a number"),
        pytest.param(BadAnswer, "another shape", 200, body([{"metric": {"a": 1}, "value": [1, "1"]}]), id="a label that is a number"),
        pytest.param(BadAnswer, "another shape", 200, body([{"metric": {}, "histogram": [1, {}]}]), id="a native histogram"),
        pytest.param(BadAnswer, "another shape", 200, body(ONE, warnings="some"), id="warnings that are no list"),
        pytest.param(
            BadAnswer, "answered a scalar", 200, b'{"status":"success","data":{"resultType":"scalar","result":[1,"5"]}}', id="a scalar"
        ),
        pytest.param(Partial, "store gone", 200, body(ONE, warnings=["store gone"]), id="a warning"),
        pytest.param(Partial, "cut off", 200, body([], infos=["cut off"]), id="an info that is no remark on style"),
        pytest.param(BadQuery, "HTTP 400: parse error", 400, b'{"status":"error","error":"parse error"}', id="a query refused"),
        pytest.param(BadQuery, "HTTP 422", 422, b"", id="a query too costly"),
        pytest.param(Auth, "HTTP 401", 401, b"<html>", id="no credentials"),
        pytest.param(Auth, "HTTP 403", 403, b"", id="not enough credentials"),
        pytest.param(Refused, "path of its address", 404, b"404 page not found", id="no such path"),
        pytest.param(Refused, "HTTP 418", 418, b"", id="any other refusal"),
        pytest.param(Unreachable, "overloaded", 429, b"", id="too many requests"),
        pytest.param(Unreachable, "HTTP 503: shutting down", 503, b'{"error":"shutting\\n down"}', id="not now"),
        pytest.param(BadAnswer, "sends us elsewhere", 302, b"", id="a redirect"),
        pytest.param(BadAnswer, "no Prometheus", 204, b"", id="nothing to say"),
    ],
)
def test_no_answer(expected: type[SourceFault], words: str, status: int, answer: bytes) -> None:
    """Whatever is no whole vector is a fault of its kind, in a sentence that names the source and what to do."""
    with pytest.raises(SourceFault) as caught:
        samples("default", status, answer)

    assert expected is type(caught.value)
    assert words in str(caught.value)
    assert str(caught.value).startswith("Prometheus source 'default' ")


def test_foreign_words_are_cut_short() -> None:
    """A server's own words never make a sentence long."""
    with pytest.raises(BadQuery) as caught:
        samples("default", 400, json.dumps({"error": "x" * 10_000}).encode())

    assert len(str(caught.value)) < 400
