"""
What the files of several processes say together.

prometheus_client reads them and knows what its gauges mean. Totals are added here: the same numbers, added in another order, may differ in
the last digit, the order of files changes with the processes, and to Prometheus a total that is one digit smaller has begun anew, so that
all of it would seem to have come since the last scrape.
"""

import json
import math
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import prometheus_client.mmap_dict
from prometheus_client import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.samples import Sample

# A file begins with its length, in so many bytes; where a process has put no value yet, with nothing, no length, or that of the length.
_HEAD_BYTES = 8
_NO_VALUES = (b"", bytes(4), struct.pack("i", _HEAD_BYTES))

_MmapedDict: Any = prometheus_client.mmap_dict.MmapedDict  # it has no annotations


def families(file: Path) -> list[Metric] | None:
    """
    Read the metrics of one file; None where it is no file of prometheus_client, or not all of one.

    A process that is killed leaves no such file: an entry is written before the length that includes it, and a value in one piece. At worst
    it leaves an empty one. But a disk can fail, and a program can write there by mistake.
    """
    try:
        return [] if _is_empty(file) else _merged([file])
    except FileNotFoundError:
        return []
    except Exception:  # noqa: BLE001 - what is no such file may fail in any way
        return None


def entries(file: Path, known: set[str]) -> list[tuple[str, float]] | None:
    """
    Read the same as it stands there: keys and values. The keys in *known* are taken for sound; new ones are looked at, and become known.

    Many processes have the same keys, and to look at one takes longer than to read ten.
    """
    try:
        found = [] if _is_empty(file) else list(_MmapedDict.read_all_values_from_file(str(file)))
        for key in {key for key, *_ in found} - known:
            _, _, labels, _ = json.loads(key)
            dict.items(labels)
            known.add(key)
    except Exception:  # noqa: BLE001 - likewise
        return None
    return [(key, value) for key, value, *_ in found]


def added_up(files: Iterable[Path]) -> tuple[list[Metric], list[Path]]:
    """Return what *files* say together, and those of them that cannot be read."""
    unreadable: list[Path] = []
    gauges: list[Path] = []
    totals: dict[str, Metric] = {}
    parts: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], list[float]]] = {}
    for file in files:
        if (found := families(file)) is None:
            unreadable.append(file)
        elif found and file.name.startswith("gauge_"):
            gauges.append(file)
        else:
            for family in found:
                totals.setdefault(family.name, family)
                series = parts.setdefault(family.name, {})
                for sample in family.samples:
                    series.setdefault((sample.name, tuple(sample.labels.items())), []).append(sample.value)
    for name, family in totals.items():
        family.samples = [Sample(sample, dict(labels), exactly(values)) for (sample, labels), values in parts[name].items()]
    return [*_merged(gauges), *totals.values()], unreadable


def exactly(parts: Sequence[float]) -> float:
    """Add up, the order being no matter: the exact sum is rounded, which never falls when no part does."""
    try:
        return math.fsum(parts)
    except (OverflowError, ValueError):  # an observation of the application's own: larger than any number, or infinite in both directions
        return sum(parts)


def at_least(parts: Sequence[float]) -> float:
    """Add up, and round up: with this in the place of its parts no exact sum gets smaller."""
    total = exactly(parts)
    return math.nextafter(total, math.inf) if math.isfinite(total) and math.fsum([*parts, -total]) > 0 else total


def _is_empty(file: Path) -> bool:
    with file.open("rb") as read:
        start = read.read(4)
    # prometheus_client reads a length that is too short like no values.
    if start not in _NO_VALUES and int.from_bytes(start, sys.byteorder, signed=True) <= _HEAD_BYTES:
        raise ValueError("an impossible length")
    return start in _NO_VALUES


def _merged(files: Iterable[Path]) -> list[Metric]:
    return list(MultiProcessCollector.merge([str(file) for file in files]))  # type: ignore[no-untyped-call]  # its annotations end here
