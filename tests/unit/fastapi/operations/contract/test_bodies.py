"""What was sent is read as its client would read it, within bounds."""

import gzip
import zlib

import pytest

from apituner.fastapi.operations.contract.bodies import NotJson, Sent, Skipped, sent
from apituner.fastapi.operations.contract.sampling import Sample

_MOST = 1000


def _sample(*parts: bytes, encoding: str = "") -> Sample:
    headers = [(b"content-type", b"application/json"), (b"content-encoding", encoding.encode())]
    sample = Sample({"status": 200, "headers": headers}, _MOST)
    for part in parts:
        sample.append(part)
    return sample


@pytest.mark.parametrize(
    ("expected", "sample"),
    [
        pytest.param(Sent(value={"a": 1}), _sample(b'{"a":', b" 1}", b""), id="a body in parts"),
        pytest.param(Sent(value="ä"), _sample('"ä"'.encode()), id="a body in UTF-8"),
        pytest.param(Sent(value=[1]), _sample(gzip.compress(b"[1]"), encoding="gzip"), id="a body that a middleware compressed"),
        pytest.param(Sent(value=[1]), _sample(zlib.compress(b"[1]"), encoding="deflate"), id="a body that another one compressed"),
        pytest.param(Skipped(reason="encoding"), _sample(b"\x0b\x02", encoding="br"), id="an encoding that we cannot read"),
        pytest.param(Skipped(reason="encoding"), _sample(b"[1]", encoding="gzip"), id="an encoding that it has not"),
        pytest.param(Skipped(reason="size"), _sample(gzip.compress(b" " * 10_000_000), encoding="gzip"), id="a bomb of 10 MB"),
        pytest.param(Skipped(reason="size"), _sample(b" " * (_MOST + 1)), id="a body that is too long"),
        pytest.param(Skipped(reason="unseen"), _sample(), id="a file that the server sends by itself"),
        pytest.param(NotJson(), _sample(b""), id="nothing at all"),
        pytest.param(NotJson(), _sample(b"<html>"), id="something else"),
        pytest.param(NotJson(), _sample(b'{"a": NaN}'), id="a number that JSON does not know"),
        pytest.param(NotJson(), _sample(b'"\xff"'), id="bytes that are no text"),
    ],
)
def test_a_body_is_read_or_it_is_said_why_not(expected: object, sample: Sample) -> None:
    """What cannot be read is not a violation unless it claims to be JSON and is not."""
    assert expected == sent(sample, _MOST)


def test_a_body_that_is_nested_without_end_is_a_fault_for_the_caller() -> None:
    """Who checks takes any exception for "cannot be checked"."""
    deep = Sample({"status": 200, "headers": [(b"content-type", b"application/json")]}, _MOST * 1000)
    deep.append(b"[" * 100_000)
    with pytest.raises(RecursionError):
        sent(deep, _MOST * 1000)
