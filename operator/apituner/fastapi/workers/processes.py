"""
How many processes become one scrape.

Several workers of one pod share a metrics port. With PROMETHEUS_MULTIPROC_DIR every process writes its values to files there and whoever is
scraped adds them up; without it a scrape sees one worker of several, which is worse than nothing and is said by a metric of its own.
"""

import logging
import os
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import prometheus_client.values
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

_log = logging.getLogger(__name__)

# More workers than this in one pod are not told apart from this many: "several" is all that matters.
_MOST_SLOTS = 64

# A file is written to as its process lives, so its time is never before the process's start, but for the clocks' resolution.
_CLOCK_SLACK_S = 2.0


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
    except OSError as error:
        raise OSError(
            f"PROMETHEUS_MULTIPROC_DIR is {name!r}, which cannot be written ({error.strerror}): mount an emptyDir there"
        ) from error
    return Path(name)


def forget_predecessor(folder: Path) -> None:
    """
    Remove the gauges that an earlier process of our own pid left behind.

    A volume outlives a container, and pids repeat in the next one: its workers would begin with the old workers' gauges. Counters and
    histograms are continued, so that totals never go backwards.
    """
    for file in folder.glob(f"gauge_*_{os.getpid()}.db"):
        if not _written_by(os.getpid(), file):
            file.unlink(missing_ok=True)


def collected(folder: Path) -> CollectorRegistry:
    """Add up the values of all processes, after forgetting the gauges of those that are gone: nobody else tells when a worker is killed."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdecimal() and not (_alive(int(pid)) and _written_by(int(pid), file)):
            file.unlink(missing_ok=True)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]  # the library's annotations end here
    return registry


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _written_by(pid: int, file: Path) -> bool:
    """Whether *file* is of the process that has *pid* now, and not of an earlier one; True where the system cannot tell."""
    with suppress(OSError, ValueError, IndexError):
        uptime_s = float(Path("/proc/uptime").read_text("ascii").split()[0])
        # The second field is the command in brackets and may itself hold blanks; the start is the 22nd, in clock ticks since boot.
        ticks = int(Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19])
        started = time.time() - uptime_s + ticks / os.sysconf("SC_CLK_TCK")
        return file.stat().st_mtime >= started - _CLOCK_SLACK_S
    return True


class Siblings:
    """
    How many processes of this pod are instrumented: each holds an abstract socket of Linux, which the kernel frees when it dies.

    The name is within the pod's network, and carries the metrics' address, so that two containers of a pod are told apart.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._held: socket.socket | None = None
        self.place = 0
        """The number of the place that this process has; a successor takes it over."""

    @property
    def first(self) -> bool:
        """Whether this process has the first place: it reports what is the container's and not the process's."""
        return self.place == 0

    def join(self) -> None:
        """Take the first free place, if the system has such sockets."""
        if self._held is not None:
            return
        for slot in range(_MOST_SLOTS):
            if (held := self._bind(slot)) is not None:
                self._held, self.place = held, slot
                return

    def leave(self) -> None:
        """Give the place back."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def count(self) -> int:
        """Count the places that are taken; where the system has none, as many as the environment asks for."""
        if self._held is None:
            text = os.environ.get("WEB_CONCURRENCY", "").strip()
            return int(text) if text.isdecimal() else 1
        taken = 0
        for slot in range(_MOST_SLOTS):
            if (free := self._bind(slot)) is None:
                taken += 1
            else:
                free.close()
        return taken

    def _bind(self, slot: int) -> socket.socket | None:
        place = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            place.bind(f"\0apituner/{self._address}/{slot}")
        except (OSError, ValueError):
            place.close()
            return None
        return place
