"""Processes that are gone are not counted, and others that a scrape would miss are noticed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from apituner.fastapi.workers.processes import Siblings, collected, forget_predecessor


def _dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def _file(folder: Path, name: str, *, written_at: float | None = None) -> Path:
    file = folder / name
    file.write_bytes(bytes(8))
    if written_at is not None:
        os.utime(file, (written_at, written_at))
    return file


def test_gauges_of_a_dead_process_are_forgotten_and_its_totals_kept(tmp_path: Path) -> None:
    """A worker that was killed cannot say so; its counters must stay, or totals would go backwards."""
    dead = _dead_pid()
    gauge, counter, mine = (
        _file(tmp_path, name) for name in (f"gauge_livesum_{dead}.db", f"counter_{dead}.db", f"gauge_livesum_{os.getpid()}.db")
    )
    collected(tmp_path)
    assert [gauge.exists(), counter.exists(), mine.exists()] == [False, True, True]


def test_a_pid_that_lives_again_is_another_process(tmp_path: Path) -> None:
    """Pids repeat from container to container: a file older than the process is its predecessor's."""
    gauge = _file(tmp_path, f"gauge_livesum_{os.getpid()}.db", written_at=1_000_000_000)
    collected(tmp_path)
    assert not gauge.exists()


def test_a_worker_begins_without_its_predecessors_gauges(tmp_path: Path) -> None:
    """But with its own, which an app may have made before."""
    old = _file(tmp_path, f"gauge_livemax_{os.getpid()}.db", written_at=1_000_000_000)
    own = _file(tmp_path, f"gauge_livesum_{os.getpid()}.db")
    forget_predecessor(tmp_path)
    assert [old.exists(), own.exists()] == [False, True]


def test_siblings_see_each_other() -> None:
    """Two processes at one metrics address are two, however they were started; another address is another pod."""
    first, second, other = Siblings("127.1.0.1:1"), Siblings("127.1.0.1:1"), Siblings("127.1.0.2:1")
    for each in (first, second, other):
        each.join()
    assert [first.count(), second.count(), other.count()] == [2, 2, 1]
    second.leave()
    assert first.count() == 1
    first.leave()
    other.leave()


def test_without_such_sockets_the_environment_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many workers as are asked for: better to act on nothing than on a part."""
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert Siblings("127.1.0.3:1").count() == 4
