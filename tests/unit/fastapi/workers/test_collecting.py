"""What a scrape of several processes answers, whatever state their folder is in."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge

from apituner.fastapi.workers import collecting
from apituner.fastapi.workers.collecting import collected, tidy
from workerfiles import DEAD, counted, gauge

_OWN = os.getpid()
_COMPLETE = Gauge("complete", "Whether this is all.", registry=CollectorRegistry())


def _scrape(folder: Path) -> dict[str, float]:
    return {sample.name: sample.value for family in collected(folder, _COMPLETE).collect() for sample in family.samples}


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Be another process that has the folder's lock, and was stopped."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing told yet, and no patience."""
    monkeypatch.setattr(collecting, "_told", set())
    monkeypatch.setattr(collecting, "_PATIENCE_S", 0.0)


def test_a_scrape_tidies_up_first(tmp_path: Path) -> None:
    """The dead one's requests count, its gauge does not, and its files are gone."""
    for pid, requests in ((_OWN, 5), (DEAD, 6)):
        counted(tmp_path, pid, requests)
        gauge(tmp_path, pid, "livesum", 1)
    gauge(tmp_path, _OWN, "livemin", 0, "complete")
    assert {"requests_total": 11.0, "workers": 1.0, "complete": 1.0} == _scrape(tmp_path)
    assert [] == list(tmp_path.glob(f"*_{DEAD}*"))


def test_gauges_that_nobody_has_claimed_do_not_count(tmp_path: Path) -> None:
    """They are an earlier container's; the totals of the same pid go on."""
    counted(tmp_path, _OWN, 5)
    gauge(tmp_path, _OWN, "livesum", 1)
    (tmp_path / f"process_{_OWN}.start").write_text("1")
    assert {"requests_total": 5.0, "complete": 1.0} == _scrape(tmp_path)


def test_what_cannot_be_read_makes_it_incomplete_and_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The rest is answered, at every scrape."""
    counted(tmp_path, _OWN, 5)
    bad = tmp_path / f"counter_{DEAD}.db"
    bad.write_bytes(b"no such file")
    for _ in range(3):
        assert {"requests_total": 5.0, "complete": 0.0} == _scrape(tmp_path)
    assert [f"{bad} cannot be read as a file of prometheus_client, so the metrics are not complete"] == [
        line.getMessage().partition(":")[0] for line in caplog.records
    ]


def test_a_lock_that_is_never_given_back_does_not_stop_the_scrapes(tmp_path: Path) -> None:
    """Nothing is tidied up, and what another may be just moving may be missed: that is said."""
    counted(tmp_path, _OWN, 5)
    dead = counted(tmp_path, DEAD, 6)
    with _locked(tmp_path):
        tidy(tmp_path)
        assert {"requests_total": 11.0, "complete": 0.0} == _scrape(tmp_path)
        assert dead.exists()
    assert {"requests_total": 11.0, "complete": 1.0} == _scrape(tmp_path)
    assert not dead.exists()


def test_what_an_archive_contains_counts_once(tmp_path: Path) -> None:
    """Also where who folded was killed before it deleted it, and nobody can."""
    counted(tmp_path, _OWN, 5)
    counted(tmp_path, DEAD, 6).rename(tmp_path / f"counter_{DEAD}-1.db")
    counted(tmp_path, DEAD, 6).rename(tmp_path / "counter_archive-1.db")
    with _locked(tmp_path):
        assert 11.0 == _scrape(tmp_path)["requests_total"]
    assert 11.0 == _scrape(tmp_path)["requests_total"]


def test_a_full_disk_does_not_stop_the_scrapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The totals count where they are, and all of them."""
    dead = counted(tmp_path, DEAD, 6)

    def full(_folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(collecting, "fold", full)
    for _ in range(2):
        assert {"requests_total": 6.0, "complete": 1.0} == _scrape(tmp_path)
    assert dead.exists()
    assert 1 == caplog.text.count("cannot be tidied up (No space left on device)")


def test_a_folder_without_files_is_an_answer(tmp_path: Path) -> None:
    """Somebody emptied it."""
    assert {"complete": 1.0} == _scrape(tmp_path)


def _scraper(folder: Path, last: float) -> int:
    """Fork a process that scrapes until it sees *last*; its exit status is 0 if it saw no total fall, and none beyond."""
    if (pid := os.fork()) == 0:
        seen, until_s = 0.0, time.monotonic() + 10
        while seen < last and time.monotonic() < until_s:
            before, seen = seen, _scrape(folder)["requests_total"]
            if seen < before:
                os._exit(1)
        os._exit(0 if seen == last else 2)
    return pid


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_two_that_scrape_while_workers_die_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them folds what it finds first, and neither loses anything of it or counts it twice."""
    monkeypatch.setattr(collecting, "_PATIENCE_S", 5.0)
    counted(tmp_path, DEAD, 1)
    (aside := tmp_path / "aside").mkdir()
    scrapers = [_scraper(tmp_path, last=41) for _ in range(2)]
    for number in range(1, 41):
        counted(aside, DEAD + number, 1).rename(tmp_path / f"counter_{DEAD + number}.db")
    assert [0, 0] == [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in scrapers]
    assert [41.0, 1.0] == list(_scrape(tmp_path).values())
    assert 1 == len(list(tmp_path.glob("*.db")))
