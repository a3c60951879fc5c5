"""A row of figures as four bytes each, in a value that cannot change: a day in a kilobyte, where a tuple would take nine."""

import struct
from collections.abc import Sequence

_BYTES = 4


def packed(values: Sequence[float]) -> bytes:
    """Return *values* as bytes, with seven digits."""
    return struct.pack(f"<{len(values)}f", *values)


def count(row: bytes) -> int:
    """Return how many figures *row* holds."""
    return len(row) // _BYTES


def value(row: bytes, place: int) -> float:
    """Return the figure at *place*."""
    found: float = struct.unpack_from("<f", row, place * _BYTES)[0]
    return found


def values(row: bytes) -> tuple[float, ...]:
    """Return all figures."""
    return struct.unpack(f"<{count(row)}f", row)


def with_value(row: bytes, place: int, figure: float) -> bytes:
    """Return *row* with another figure at *place*."""
    return row[: place * _BYTES] + packed([figure]) + row[(place + 1) * _BYTES :]
