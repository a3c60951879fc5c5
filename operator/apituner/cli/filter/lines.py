"""Lines of a byte stream, each of bounded length: one that is longer is skipped without ever being held."""

from collections.abc import Iterator
from typing import BinaryIO

LINE_MOST_BYTES = 4 * 2**20
"""A line with a thousand routes and an hour of history is below 1 MiB."""
_SKIPPED_AT_ONCE_BYTES = 2**16


def lines(stream: BinaryIO, most_bytes: int = LINE_MOST_BYTES) -> Iterator[bytes | None]:
    """Yield every line without its end; None stands for one of more than *most_bytes*."""
    while line := stream.readline(most_bytes + 1):
        if line.endswith(b"\n"):
            yield line[:-1]
        elif len(line) <= most_bytes:
            yield line  # the last one, which has no end
        else:
            _skip_the_rest(stream)
            yield None


def _skip_the_rest(stream: BinaryIO) -> None:
    while (rest := stream.readline(_SKIPPED_AT_ONCE_BYTES)) and not rest.endswith(b"\n"):
        pass
