"""What Linux tells of this process is read from the right fields, and is unknown where it tells nothing."""

import os
import threading
from pathlib import Path

import pytest

from apituner.fastapi.eventloop.clocks import RunqueueClock, resident_memory_bytes


def test_the_wait_for_a_cpu_is_the_second_field(tmp_path: Path) -> None:
    """Nanoseconds on a CPU, nanoseconds of waiting for one, and how often it got one."""
    folder = tmp_path / str(threading.get_native_id())
    folder.mkdir()
    (folder / "schedstat").write_text("7000000000 2500000000 300\n", "ascii")
    clock = RunqueueClock(tmp_path)
    assert clock.read_s() == 2.5
    clock.close()
    assert clock.read_s() is None


def test_a_system_that_keeps_no_record_says_nothing(tmp_path: Path) -> None:
    """Unknown is not zero: a loop that waited would be taken for a blocked one."""
    assert RunqueueClock(tmp_path).read_s() is None


def test_resident_memory_is_the_second_field_in_pages(tmp_path: Path) -> None:
    """The first is the size of all that is mapped, which may be many times as much."""
    file = tmp_path / "statm"
    file.write_text("90000 1234 800 1 0 5000 0\n", "ascii")
    assert resident_memory_bytes(file) == 1234 * os.sysconf("SC_PAGE_SIZE")


def test_without_proc_the_peak_is_told(tmp_path: Path) -> None:
    """At least as much as there is now."""
    assert resident_memory_bytes(tmp_path / "statm") >= resident_memory_bytes() * 0.9


def test_the_systems_own_files_are_read() -> None:
    """Where the tests run, there are such files."""
    clock = RunqueueClock()
    assert clock.read_s() is not None
    clock.close()
    assert resident_memory_bytes() == pytest.approx(resident_memory_bytes(Path(f"/proc/{os.getpid()}/statm")), rel=0.1)
