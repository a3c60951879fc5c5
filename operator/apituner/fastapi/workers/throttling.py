"""How often the system held this container back at its CPU limit: throttling looks like a blocked loop, and only this tells them apart."""

from dataclasses import dataclass
from pathlib import Path

from apituner.fastapi.measures.worker_signals import WorkerSignals

_NANOSECONDS, _MICROSECONDS = 1e9, 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttling:
    """What the scheduler counted since the container began. A container without a limit has no periods."""

    periods: int = 0
    throttled_periods: int = 0
    throttled_s: float = 0.0


def read_throttling(file: Path) -> Throttling:
    """Read a ``cpu.stat``, of version 2 of control groups (microseconds) or of version 1 (nanoseconds)."""
    try:
        fields = dict(line.split(maxsplit=1) for line in file.read_text("ascii").splitlines())
    except OSError:
        return Throttling()
    if (microseconds := fields.get("throttled_usec")) is not None:
        throttled_s = int(microseconds) / _MICROSECONDS
    else:
        throttled_s = int(fields.get("throttled_time", 0)) / _NANOSECONDS
    return Throttling(
        periods=int(fields.get("nr_periods", 0)), throttled_periods=int(fields.get("nr_throttled", 0)), throttled_s=throttled_s
    )


def own_cpu_stat(membership: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")) -> Path | None:
    """
    Find the ``cpu.stat`` of this process's control group; None where the system has none.

    Inside of a container the group is mostly mounted as if it were the root, so its path from outside leads nowhere, and the root is meant.
    """
    try:
        lines = membership.read_text("utf-8").splitlines()
    except OSError:
        return None
    # number:controllers:path, and version 2 has the number 0 and names no controllers. Version 1 comes first: where both are mounted
    # ("hybrid"), the cpu controller is still the old one's.
    groups = [line.split(":", 2) for line in lines]
    old = [(name, path) for _, controllers, path in groups if "cpu" in (names := controllers.split(",")) for name in (controllers, *names)]
    new = [("", path) for _, controllers, path in groups if not controllers]
    for name, path in old + new:
        for candidate in (mounted / name / path.lstrip("/") / "cpu.stat", mounted / name / "cpu.stat"):
            if candidate.is_file():
                return candidate
    return None


class ThrottlingClock:
    """Counts the throttling of this process's control group from now on, for all processes in it."""

    def __init__(self, signals: WorkerSignals) -> None:
        self._signals = signals
        self._file = own_cpu_stat()
        self._before = self._read()

    def publish(self, *, leads: bool) -> None:
        """Hand on what has come since the last time, unless another process *leads* and does; nothing where the system has no record."""
        before, now = self._before, self._read()
        self._before = now
        if not leads:
            return
        self._signals.cgroup_periods.of().add(max(0, now.periods - before.periods))
        self._signals.cgroup_throttled_periods.of().add(max(0, now.throttled_periods - before.throttled_periods))
        self._signals.cgroup_throttled.of().add(max(0.0, now.throttled_s - before.throttled_s))

    def _read(self) -> Throttling:
        return Throttling() if self._file is None else read_throttling(self._file)
