"""What was sent: the JSON value in the body of a sampled response."""

import json
import zlib
from dataclasses import dataclass
from typing import NoReturn

from apituner.fastapi.operations.contract.sampling import Sample

# Of zlib: take a header of gzip or of zlib, whichever is there.
_ANY_HEADER = 32 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A body that is JSON."""

    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class NotJson:
    """A body that is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something that cannot be checked, with a word for why: it becomes a label."""

    reason: str


def sent(sample: Sample, largest_bytes: int) -> Sent | NotJson | Skipped:
    """Read a body that should be JSON; *largest_bytes* is the longest, also when it is decompressed."""
    if sample.let_go:
        return Skipped(reason="size")
    if not sample:
        return Skipped(reason="unseen")  # a file that the server sends by itself
    body = _decoded(b"".join(sample), sample.content_encoding, largest_bytes)
    if isinstance(body, Skipped):
        return body
    try:
        return Sent(value=json.loads(body, parse_constant=_no_json))
    except ValueError:
        return NotJson()


def _decoded(body: bytes, encoding: str, largest_bytes: int) -> bytes | Skipped:
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        return Skipped(reason="encoding")
    try:
        decoded = zlib.decompressobj(_ANY_HEADER).decompress(body, largest_bytes + 1)
    except zlib.error:
        return Skipped(reason="encoding")
    return decoded if len(decoded) <= largest_bytes else Skipped(reason="size")


def _no_json(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity, which Python writes and JSON does not know
