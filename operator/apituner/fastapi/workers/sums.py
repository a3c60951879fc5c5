"""
What the files of several processes say together.

prometheus_client reads them and knows what its gauges mean. Totals are added here: the same numbers, added in another order, may differ in
the last digit, the order of files changes with the processes, and to Prometheus a total that is one digit smaller has begun anew, so that
all of it would seem to have come since the last scrape.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.samples import Sample

# What a file begins with in which a process has put no value yet: no length, or the length of the length itself.
_NO_VALUES = (bytes(4), struct.pack("i", 8))


def families(file: Path) -> list[Metric] | None:
    """
    Read the metrics of one file; None where it is no file of prometheus_client, or not all of one.

    A process that is killed leaves no such file: an entry is written before the length that includes it, and a value in one piece. At worst
    it leaves an empty one. But a disk can fail, and a program can write there by mistake.
    """
    try:
        if not file.stat().st_size:
            return []
        found = _merged([file])
        # A length below 0 reads like no values.
        return None if not found and file.read_bytes()[:4] not in _NO_VALUES else found
    except FileNotFoundError:
        return []
    except Exception:  # noqa: BLE001 - what is no such file may fail in any way
        return None


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


def _merged(files: Iterable[Path]) -> list[Metric]:
    return list(MultiProcessCollector.merge([str(file) for file in files]))  # type: ignore[no-untyped-call]  # its annotations end here
