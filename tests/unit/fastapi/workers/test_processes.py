"""Whose files are whose: pids repeat, and a killed worker cannot say that it is gone."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import prometheus_client.mmap_dict
import pytest

from apituner.fastapi.workers.processes import born, claim, forget_the_dead, left_by_a_predecessor
from workerfiles import DEAD, counted, gauge, series

_MmapedDict: Any = prometheus_client.mmap_dict.MmapedDict

_OWN = os.getpid()


def _values(file: Path) -> dict[str, float]:
    return {key: value for key, value, _, _ in _MmapedDict.read_all_values_from_file(str(file))}


def test_a_process_has_a_start_and_a_dead_one_has_none() -> None:
    """One that was killed and that its parent has not asked after (a zombie) is as dead as one that is gone."""
    assert born(_OWN) == born(_OWN) is not None
    assert born(DEAD) is None
    assert born(10**30) is None
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert born(child.pid) not in (None, born(_OWN))
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert born(child.pid) is None
    child.communicate()


def test_gauges_of_the_dead_are_forgotten_and_their_totals_kept(tmp_path: Path) -> None:
    """What the application wants to outlive a process does, and so does what others put there."""
    kept = [
        counted(tmp_path, DEAD, 1),
        gauge(tmp_path, DEAD, "all", 1),
        gauge(tmp_path, _OWN, "livesum", 1),
        tmp_path / "gauge_livesum_of_another_program.db",
    ]
    kept[-1].touch()
    for mode in ("livesum", "livemax", "livemostrecent"):
        gauge(tmp_path, DEAD, mode, 1)
    (tmp_path / f"process_{DEAD}.start").touch()
    forget_the_dead(tmp_path)
    assert sorted(kept) == sorted(tmp_path.iterdir())


def test_a_predecessors_gauges_do_not_count_until_its_pid_is_claimed(tmp_path: Path) -> None:
    """In the next container another process has the pid, perhaps none of ours. Who has the pid and says so begins at 0."""
    left = gauge(tmp_path, _OWN, "livesum", 5)
    statement = tmp_path / f"process_{_OWN}.start"
    statement.write_text("1")
    assert left_by_a_predecessor(left)
    forget_the_dead(tmp_path)
    assert left.exists()
    claim(tmp_path, {"workers"})
    assert not left_by_a_predecessor(left)
    assert {series("workers", ""): 0.0} == _values(left)
    assert born(_OWN) == statement.read_text()


def test_gauges_of_a_process_that_claims_nothing_count(tmp_path: Path) -> None:
    """A process that the application started itself may have gauges of the application's own."""
    assert not left_by_a_predecessor(gauge(tmp_path, _OWN, "livesum", 5))
    assert not left_by_a_predecessor(counted(tmp_path, _OWN, 5))


def test_a_claim_is_made_once(tmp_path: Path) -> None:
    """What was set since is this process's own."""
    claim(tmp_path, {"workers"})
    own = gauge(tmp_path, _OWN, "livesum", 5)
    claim(tmp_path, {"workers"})
    assert {series("workers", ""): 5.0} == _values(own)


def test_a_claim_leaves_the_applications_own_gauges_and_all_totals(tmp_path: Path) -> None:
    """The application may have set them before; totals of one pid go on."""
    gauge(tmp_path, _OWN, "livesum", 5)
    theirs, totals = gauge(tmp_path, _OWN, "livesum", 6, "theirs"), counted(tmp_path, _OWN, 7)
    claim(tmp_path, {"workers", "requests"})
    assert {series("workers", ""): 0.0, series("theirs", ""): 6.0} == _values(theirs)
    assert {series(): 7.0} == _values(totals)


def test_a_file_that_is_open_stays_the_same_file(tmp_path: Path) -> None:
    """prometheus_client may have opened it for the application before the claim: it would write to the old file, and the new be read."""
    opened = _MmapedDict(str(gauge(tmp_path, _OWN, "livesum", 5)))
    claim(tmp_path, {"workers"})
    opened.write_value(series("workers", ""), 1.0, 0.0)
    assert {series("workers", ""): 1.0} == _values(tmp_path / f"gauge_livesum_{_OWN}.db")
    opened.close()


def test_own_files_that_cannot_be_read_do_not_stop_the_start(tmp_path: Path) -> None:
    """To open one fails. Totals are kept where they are seen to be missing; gauges of a predecessor are nobody's loss."""
    for name in (f"counter_{_OWN}.db", f"gauge_livesum_{_OWN}.db"):
        (tmp_path / name).write_bytes(b"no such file")
    claim(tmp_path, {"workers"})
    assert [f"counter_{_OWN}.unreadable.db", f"process_{_OWN}.start"] == sorted(file.name for file in tmp_path.iterdir())


def test_without_proc_a_process_is_alive_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a developer's machine that is no Linux."""
    monkeypatch.setattr("apituner.fastapi.workers.processes._PROC", tmp_path / "none")
    assert ["?", None] == [born(_OWN), born(DEAD)]
    left = gauge(tmp_path, _OWN, "livesum", 5)
    claim(tmp_path, {"workers"})
    assert {series("workers", ""): 0.0} == _values(left)
    assert not left_by_a_predecessor(left)
