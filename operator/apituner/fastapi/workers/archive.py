"""
The totals of workers that are gone, in one file for each kind of metric instead of one for each worker.

Totals must outlive their worker, or they would go backwards; but with a file for each worker that ever was, a folder would grow for as long
as the container lives, and every scrape with it. So the files of the dead are folded into an archive, step by step:

1. ``counter_9.db`` of a process that is gone becomes ``counter_9-5.db``, where 4 is the number of the present archive: set aside, so that
   no later process of the same pid goes on writing to it.
2. Archive 4 and all that is set aside for archive 5 are added up in a file beside, which nobody reads.
3. That file becomes ``counter_archive-5.db``: from now on it counts, and archive 4 and what was set aside for archive 5 does not.
4. What does not count any more is deleted.

The invariant: **what counts** (the newest archive, what is set aside with a higher number, and what is not set aside) **adds up to the same
before and after every step**. So a process may be killed between any two of them, and the next fold goes on from there. One process at a
time folds, and none reads meanwhile: that is what the lock of the folder is for.

Nothing is done against the loss of the machine: with it goes also what the workers wrote last.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import prometheus_client.mmap_dict

from apituner.fastapi.workers.processes import born
from apituner.fastapi.workers.sums import at_least, entries

# What adds up. Of the gauges of dead processes some do, too, and only the application knows which.
_KINDS = ("counter", "histogram", "summary")

_NAME = re.compile(r"(?P<kind>[a-z]+)_(?:archive|(?P<pid>\d+))(?:-(?P<number>\d+))?\.db")

# In prometheus_client's format: the length of the file; of each entry the length of its key, what fills it up, and two numbers.
_HEAD_BYTES, _ENTRY_BYTES = 8, 4 + 8 + 16

_MmapedDict: Any = prometheus_client.mmap_dict.MmapedDict  # it has no annotations


def what_counts(files: Iterable[Path]) -> list[Path]:
    """Leave out of *files*, all of a folder, what an archive among them contains."""
    files = list(files)
    newest = {kind: _newest(files, kind) for kind in _KINDS}
    return [file for file in files if not _contained(file, newest)]


def fold(folder: Path) -> None:
    """Fold the totals of processes that are gone into the archive, with the folder's lock held. Raises OSError where the disk is full."""
    for kind in _KINDS:
        files = list(folder.glob(f"{kind}_*.db"))
        newest = _newest(files, kind)
        _delete_contained(files, {kind: newest})
        left = {file: number for file in files if (number := _number(file)) > newest}
        number = max(left.values(), default=newest + 1)
        known: set[str] = set()
        aside = _not_in_use(left or _set_aside(files, number, known))
        archive = [folder / f"{kind}_archive-{newest}.db"] if newest else []
        if aside and (totals := _added_up([*archive, *aside], known)) is not None:
            beside = folder / f"{kind}.new"
            _write(beside, totals)
            beside.rename(folder / f"{kind}_archive-{number}.db")
            _delete_contained([*archive, *aside], {kind: number})


def _newest(files: Iterable[Path], kind: str) -> int:
    """Return the number of the newest archive; 0 where there is none."""
    return max((_number(file) for file in files if file.name.startswith(f"{kind}_archive-")), default=0)


def _number(file: Path) -> int:
    """Return the number of an archive, or of the one for which a file is set aside; 0 for other files."""
    match = _NAME.fullmatch(file.name)
    return int(match["number"] or 0) if match else 0


def _contained(file: Path, newest: dict[str, int]) -> bool:
    kind, _, whose = file.name.partition("_")
    archived = newest.get(kind, 0)
    return 0 < _number(file) < archived + (not whose.startswith("archive"))


def _delete_contained(files: Iterable[Path], newest: dict[str, int]) -> None:
    for file in files:
        if _contained(file, newest):
            file.unlink(missing_ok=True)


def _set_aside(files: Iterable[Path], number: int, known: set[str]) -> list[Path]:
    """Set aside what the dead left, as far as it can be read."""
    return [
        file.rename(file.with_name(f"{file.stem}-{number}.db"))
        for file in files
        if (match := _NAME.fullmatch(file.name)) and match["pid"] and not match["number"]
        if born(int(match["pid"])) is None and entries(file, known) is not None
    ]


def _not_in_use(aside: Iterable[Path]) -> list[Path]:
    """
    Return what no process writes to any more of what is set aside.

    A process that began with the same pid in the very moment of the first step may have opened the file under its old name. Then no other
    file has that name, and this one gets it back; a process that has another by that name has not opened this one.
    """
    unused = []
    for file in aside:
        place = file.with_name(f"{file.stem.partition('-')[0]}.db")
        if born(int(place.stem.rpartition("_")[2])) is None or place.exists():
            unused.append(file)
        else:
            file.rename(place)
    return unused


def _added_up(files: Iterable[Path], known: set[str]) -> dict[str, float] | None:
    """Add *files* up, key by key; None where one of them cannot be read: it stays, and every scrape says so."""
    parts: dict[str, list[float]] = {}
    for file in files:
        if (found := entries(file, known)) is None:
            return None
        for key, value in found:
            parts.setdefault(key, []).append(value)
    return {key: at_least(values) for key, values in parts.items()}


def _write(target: Path, totals: Mapping[str, float]) -> None:
    # Written, and not only given a size: a full disk is an error here, and a signal that kills where the file is mapped into memory.
    target.write_bytes(bytes(_HEAD_BYTES + sum(len(key.encode()) + _ENTRY_BYTES for key in totals)))
    archive = _MmapedDict(str(target))
    for key, total in totals.items():
        archive.write_value(key, total, 0.0)
    archive.close()
