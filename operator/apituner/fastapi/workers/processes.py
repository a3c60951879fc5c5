"""
The folder that the processes of a container share, and whose files are whose.

With PROMETHEUS_MULTIPROC_DIR every process writes its values to files there, named after its pid, and whoever is scraped adds them up. Pids
repeat, from one container of a pod to the next even the same ones, and the folder outlives a container. So every observed process states in
the folder when it started: no two processes have both in common. Files of a pid whose holder has not (yet) said so are its predecessor's.

The folder is one container's: another container's pids would look dead.
"""

import json
import logging
import os
import re
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import prometheus_client.mmap_dict
import prometheus_client.values

from apituner.fastapi.workers.sums import families

_log = logging.getLogger("apituner.fastapi")

# Gauges of live processes, and what a process states of itself.
_NAMED_AFTER_PID = re.compile(r"(?:gauge_live[a-z]+_(?P<gauges>\d+)\.db|process_(?P<stated>\d+)\.start)")

_PROC = Path("/proc")
_UNTOLD = "?"

_MmapedDict: Any = prometheus_client.mmap_dict.MmapedDict  # it has no annotations


def shared_folder() -> Path | None:
    """Return the folder that the workers share, made if need be; None where each process keeps its values to itself."""
    if not (name := os.environ.get("PROMETHEUS_MULTIPROC_DIR")):
        return None
    if not getattr(prometheus_client.values.ValueClass, "_multiprocess", False):
        _log.warning(
            "PROMETHEUS_MULTIPROC_DIR was set after prometheus_client was imported and has no effect: set it in the container's environment"
        )
        return None
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
        # A folder may be there and yet read-only.
        with tempfile.TemporaryFile(dir=name):
            pass
        _remove_unreadable(Path(name))
    except OSError as error:
        raise OSError(
            f"PROMETHEUS_MULTIPROC_DIR is {name!r}, which cannot be written ({error.strerror}): mount an emptyDir there"
        ) from error
    return Path(name)


def born(pid: int) -> str | None:
    """Tell when process *pid* started, in Linux' ticks since boot; "?" where the system does not say, None where it is gone or a zombie."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except PermissionError:
        pass
    try:
        # The second field is the command in brackets and may itself hold blanks; the third is the state, the 22nd the start.
        fields = (_PROC / f"{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return _UNTOLD
    return None if fields[0] in "ZX" else fields[19]


def claim(folder: Path, ours: Collection[str]) -> None:
    """
    Make the files that are named after our pid our own: of the gauges that a predecessor left there, those of the families *ours* become 0.

    To be called in every process before it sets its first gauge; again it does nothing. Counters and histograms are continued, so that
    totals never go backwards. The application's own gauges are left: they may be set by now.
    """
    pid = os.getpid()
    started = born(pid) or _UNTOLD
    if _stated(folder, pid) == started != _UNTOLD:
        return
    _remove_unreadable(folder)
    for file in folder.glob(f"gauge_live*_{pid}.db"):
        # Not deleted: prometheus_client may have opened it already, and would go on writing where nobody looks.
        values = _MmapedDict(str(file))
        for key in [key for key, _, _ in values.read_all_values() if json.loads(key)[0] in ours]:
            values.write_value(key, 0.0, 0.0)
        values.close()
    _statement(folder, pid).write_text(started, "ascii")


def forget_the_dead(folder: Path) -> None:
    """Remove the gauges of processes that are gone: nobody else tells when a worker is killed."""
    for file in folder.iterdir():
        if (match := _NAMED_AFTER_PID.fullmatch(file.name)) and born(int(match["gauges"] or match["stated"])) is None:
            file.unlink(missing_ok=True)


def left_by_a_predecessor(file: Path) -> bool:
    """Whether these are gauges of a process that is gone, in the name of one that has its pid now and has not claimed them yet."""
    if (match := _NAMED_AFTER_PID.fullmatch(file.name)) is None:
        return False
    pid = int(match["gauges"] or match["stated"])
    return (stated := _stated(file.parent, pid)) is not None and stated != born(pid)


def _remove_unreadable(folder: Path) -> None:
    """
    Take away what is no file of prometheus_client and has a name of ours: to open it would fail, and with it the start of the API.

    Totals are renamed: every scrape finds them like any other, and says that it is not complete. Gauges of a predecessor are no loss.
    """
    for file in folder.glob(f"*_{os.getpid()}.db"):
        if families(file) is None:
            if file.name.startswith("gauge_live"):
                file.unlink()
            else:
                file.rename(file.with_suffix(".unreadable.db"))


def _statement(folder: Path, pid: int) -> Path:
    return folder / f"process_{pid}.start"


def _stated(folder: Path, pid: int) -> str | None:
    try:
        return _statement(folder, pid).read_text("ascii")
    except OSError:
        return None
