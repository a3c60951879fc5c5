"""What the system knows about this process: CPU, waiting for a CPU, memory. One call, one reading, nothing kept."""

import os
import resource
import sys
import threading
from pathlib import Path

_NANOSECONDS = 1e9
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class RunqueueClock:
    """How long this thread was ready to run and had no CPU, in seconds since it began: the second field of Linux' schedstat."""

    def __init__(self, threads: Path = Path("/proc/self/task")) -> None:
        try:
            self._file: int | None = os.open(threads / str(threading.get_native_id()) / "schedstat", os.O_RDONLY)
        except OSError:
            self._file = None

    def read_s(self) -> float | None:
        """None where the system keeps no such record (no Linux, or a kernel without it)."""
        if self._file is None:
            return None
        fields = os.pread(self._file, 128, 0).split()
        return int(fields[1]) / _NANOSECONDS

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def resident_memory_bytes(pages: Path = Path("/proc/self/statm")) -> int:
    """Resident memory of this process; where the system has no /proc, the largest that it ever was."""
    try:
        return int(pages.read_text("ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
