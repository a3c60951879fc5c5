"""How much of a CPU this process and its event loop used: in all, and lately."""

from collections import deque

# The usual scrape interval, so that one busy moment between two scrapes still shows, and one busy request does not look like saturation.
_WINDOW_S = 15.0


class CpuTotal:
    """The CPU time of this process since it began: its start is work, too."""

    def __init__(self) -> None:
        self._counted_s = 0.0

    def uncounted_s(self, process_cpu_s: float) -> float:
        """Return what came since the last call, now that the system counts *process_cpu_s*."""
        before_s, self._counted_s = self._counted_s, process_cpu_s
        return process_cpu_s - before_s


class CpuUsage:
    """A sliding mean over about 15 s, for one event loop."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, float, float]] = deque()

    def ratios(self, now_s: float, process_cpu_s: float, loop_cpu_s: float) -> tuple[float, float] | None:
        """Return the cores that the process used, and the share of one that its event loop used; None on the first call."""
        readings = self._readings
        readings.append((now_s, process_cpu_s, loop_cpu_s))
        while now_s - readings[0][0] > _WINDOW_S:
            readings.popleft()
        since_s, process_before_s, loop_before_s = readings[0]
        if now_s <= since_s:
            return None
        return (process_cpu_s - process_before_s) / (now_s - since_s), (loop_cpu_s - loop_before_s) / (now_s - since_s)
