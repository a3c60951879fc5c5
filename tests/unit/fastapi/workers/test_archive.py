"""What dead workers counted is folded into one file, and nothing is lost or counted twice, whenever who folds is killed."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from apituner.fastapi.workers.archive import fold, what_counts
from apituner.fastapi.workers.sums import added_up
from workerfiles import DEAD, counted, gauge, series, timed, write

Totals = dict[tuple[str, str], float]

# What changes a folder, or makes what is in it visible.
_STEPS = {"os.rename", "os.remove", "open", "os.truncate", "mmap.__new__"}


def _totals(folder: Path) -> Totals:
    families, unreadable = added_up(what_counts(folder.glob("*.db")))
    assert [] == unreadable
    return {(sample.name, sample.labels.get("le", "")): sample.value for family in families for sample in family.samples}


def _names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def _two_dead_and_one_alive(folder: Path) -> None:
    for pid, requests in ((DEAD, 5), (DEAD + 1, 7), (os.getpid(), 11)):
        counted(folder, pid, requests)
        timed(folder, pid, fast=requests - 1, slow=1)


def test_the_dead_are_one_file_and_count_as_before(tmp_path: Path) -> None:
    """Histograms keep their buckets; the living keep their files."""
    _two_dead_and_one_alive(tmp_path)
    before = _totals(tmp_path)
    assert (23, 20, 23) == (before["requests_total", ""], before["took_bucket", "0.25"], before["took_count", ""])
    fold(tmp_path)
    assert before == _totals(tmp_path)
    own = os.getpid()
    assert sorted(["counter_archive-1.db", f"counter_{own}.db", "histogram_archive-1.db", f"histogram_{own}.db"]) == _names(tmp_path)


def test_no_total_falls_by_a_rounding(tmp_path: Path) -> None:
    """0.1 + 0.4 is 0.5, and 0.1 more 0.6; all at once, exactly added, round to more: what is less has restarted to Prometheus."""
    for pid, seconds in ((DEAD, 0.1), (DEAD + 1, 0.4), (os.getpid(), 0.1)):
        counted(tmp_path, pid, seconds)
    before = _totals(tmp_path)["requests_total", ""]
    assert before > 0.1 + 0.4 + 0.1
    fold(tmp_path)
    assert before <= _totals(tmp_path)["requests_total", ""]


def test_later_dead_are_added_to_the_archive(tmp_path: Path) -> None:
    """A series that only they have, too; and with nobody to fold nothing changes."""
    counted(tmp_path, DEAD, 5)
    fold(tmp_path)
    counted(tmp_path, DEAD, 2)
    write(tmp_path, f"counter_{DEAD + 2}.db", {series(route="/late"): 3.0})
    fold(tmp_path)
    assert ["counter_archive-2.db"] == _names(tmp_path)
    assert [3.0, 7.0] == sorted(sample.value for family in added_up(tmp_path.iterdir())[0] for sample in family.samples)
    fold(tmp_path)
    assert ["counter_archive-2.db"] == _names(tmp_path)


def test_what_does_not_add_up_stays(tmp_path: Path) -> None:
    """Gauges of the application's own that outlive their process: only it knows what they mean. What cannot be read stays to be seen."""
    kept = gauge(tmp_path, DEAD, "all", 1), tmp_path / f"counter_{DEAD}.db", tmp_path / "counter_of_another_program.db"
    for file in kept[1:]:
        file.write_bytes(b"no such file")
    fold(tmp_path)
    assert sorted(file.name for file in kept) == _names(tmp_path)


def test_an_empty_file_of_a_process_killed_at_once_goes(tmp_path: Path) -> None:
    """It has counted nothing."""
    (tmp_path / f"counter_{DEAD}.db").touch()
    counted(tmp_path, DEAD + 1, 1)
    fold(tmp_path)
    assert ["counter_archive-1.db"] == _names(tmp_path)


def _killed_at(step: int, folder: Path) -> bool:
    """Fold in a process that is killed just before its *step*-th change of the folder; tell whether it came that far."""
    if (pid := os.fork()) == 0:
        came_to = 0

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal came_to
            if event in _STEPS and not (event == "open" and arguments[1] in ("r", "rb")):
                came_to += 1
                if came_to == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        try:
            fold(folder)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def _every_kill(origin: Path, copy: Path) -> Iterator[int]:
    """Leave in *copy* what a fold of *origin* leaves that is killed at its first step, its second, and so on."""
    for step in count(1):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(origin, copy)
        if not _killed_at(step, copy):
            return
        yield step


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_kill_at_any_step_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    """What counts is the same after every step, also where the next fold is killed, too; the third ends where the first would have."""
    origin, once, twice = (tmp_path / name for name in ("origin", "once", "twice"))
    origin.mkdir()
    timed(origin, DEAD, fast=90, slow=10)
    fold(origin)  # of histograms there is an archive, of counters there will be a first one
    timed(origin, DEAD, fast=4, slow=1)
    timed(origin, DEAD + 1, fast=6, slow=1)
    timed(origin, os.getpid(), fast=10, slow=1)
    counted(origin, DEAD, 5)
    expected = _totals(origin)
    kills = 0
    for first in _every_kill(origin, once):
        assert expected == _totals(once), f"after a kill at step {first}"
        for then in _every_kill(once, twice):
            assert expected == _totals(twice), f"after kills at steps {first} and {then}"
            kills += 1
        fold(twice)  # what the first had not set aside yet
        assert expected == _totals(twice)
        assert sorted(["counter_archive-1.db", f"histogram_{os.getpid()}.db"]) == [
            name for name in _names(twice) if "histogram_arch" not in name
        ]
    assert kills > 100


def test_a_file_that_its_process_may_have_opened_is_given_back(tmp_path: Path) -> None:
    """A process that took the pid in the very moment of setting aside writes to that file, and is alive."""
    writer_has = counted(tmp_path, os.getpid(), 5)
    writer_has.rename(tmp_path / f"counter_{os.getpid()}-1.db")
    assert 5 == _totals(tmp_path)["requests_total", ""]
    fold(tmp_path)
    assert [writer_has.name] == _names(tmp_path)


def test_a_file_whose_name_is_taken_is_nobodys(tmp_path: Path) -> None:
    """The process that has the pid now has opened another."""
    counted(tmp_path, os.getpid(), 5).rename(tmp_path / f"counter_{os.getpid()}-1.db")
    own = counted(tmp_path, os.getpid(), 1)
    fold(tmp_path)
    assert sorted(["counter_archive-1.db", own.name]) == _names(tmp_path)
    assert 6 == _totals(tmp_path)["requests_total", ""]


def test_an_archive_that_somebody_removed_is_missed_once(tmp_path: Path) -> None:
    """What was set aside for it is still there, and counts once."""
    counted(tmp_path, DEAD, 5).rename(tmp_path / f"counter_{DEAD}-8.db")
    fold(tmp_path)
    assert ["counter_archive-8.db"] == _names(tmp_path)
    assert 5 == _totals(tmp_path)["requests_total", ""]
