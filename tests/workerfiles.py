"""Files as worker processes leave them in the folder that they share: written by prometheus_client, small."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import prometheus_client.mmap_dict

_MmapedDict: Any = prometheus_client.mmap_dict.MmapedDict  # it has no annotations

# Linux gives no process such a number (the largest is 4,194,304).
DEAD = 5_000_001

REQUESTS = "requests"


def series(name: str = REQUESTS, sample: str = "_total", **labels: str) -> str:
    """Return the key of one series."""
    return str(prometheus_client.mmap_dict.mmap_key(name, f"{name}{sample}", list(labels), list(labels.values()), "What it is."))


def write(folder: Path, name: str, values: Mapping[str, float]) -> Path:
    """Write *values* to the file *name*, or add them to it."""
    file = folder / name
    if not file.exists():
        file.write_bytes(bytes(1024))  # prometheus_client would make it 64 KiB
    writer = _MmapedDict(str(file))
    for key, value in values.items():
        writer.write_value(key, writer.read_value(key)[0] + value, 0.0)
    writer.close()
    return file


def counted(folder: Path, pid: int, requests: float) -> Path:
    """Write the counter of one process."""
    return write(folder, f"counter_{pid}.db", {series(): requests})


def timed(folder: Path, pid: int, *, fast: float, slow: float) -> Path:
    """Write the histogram of one process, of requests that took 0.125 s and 1 s."""
    buckets = {"0.25": fast, "0.5": 0.0, "+Inf": slow}
    values = {series("took", "_bucket", le=bound): count for bound, count in buckets.items()}
    return write(folder, f"histogram_{pid}.db", {series("took", "_sum"): fast * 0.125 + slow} | values)


def gauge(folder: Path, pid: int, mode: str, value: float, name: str = "workers") -> Path:
    """Write a gauge of one process."""
    return write(folder, f"gauge_{mode}_{pid}.db", {series(name, ""): value})
