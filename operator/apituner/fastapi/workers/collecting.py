"""What a scrape of several processes answers: tidied up, added up, and judged whether it is all."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from apituner.fastapi.workers.archive import fold, what_counts
from apituner.fastapi.workers.processes import forget_the_dead, left_by_a_predecessor
from apituner.fastapi.workers.sums import added_up

_log = logging.getLogger("apituner.fastapi")

# Prometheus gives a scrape up after 10 s unless told otherwise. Who holds the lock for longer than this has been stopped in the middle.
_PATIENCE_S = 2.0

_told: set[str] = set()


def tidy(folder: Path) -> None:
    """Forget and fold what processes left that are gone; not where another process is at it."""
    with _alone(folder, within_s=0) as alone:
        if alone:
            _tidy(folder)


def collected(folder: Path, complete: Gauge) -> CollectorRegistry:
    """Add up the values of all processes, and say by *complete* whether they could all be read."""
    with _alone(folder, within_s=_PATIENCE_S) as alone:
        if alone:
            _tidy(folder)
        files = [file for file in what_counts(folder.glob("*.db")) if not left_by_a_predecessor(file)]
        families, unreadable = added_up(files)
    for file in unreadable:
        _tell_once(
            f"{file} cannot be read as a file of prometheus_client, so the metrics are not complete: "
            "if something else writes to that folder, give it another; if not, replace the pod"
        )
    [judgement] = complete.collect()
    judgement.samples = [Sample(judgement.name, {}, float(alone and not unreadable))]
    registry = CollectorRegistry()
    registry.register(_Families([*(family for family in families if family.name != judgement.name), judgement]))
    return registry


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _tidy(folder: Path) -> None:
    try:
        forget_the_dead(folder)
        fold(folder)
    except OSError as error:
        # The totals count where they are, too.
        _tell_once(
            f"{folder} cannot be tidied up ({error.strerror}), so it grows with every worker that ends: "
            "make it large enough, and writable for all workers"
        )


def _tell_once(sentence: str) -> None:
    if sentence not in _told:
        _told.add(sentence)
        _log.warning(sentence)


@contextmanager
def _alone(folder: Path, *, within_s: float) -> Iterator[bool]:
    """Hold the lock of the folder, which the system frees when its holder is killed; False where another holds it for longer than that."""
    lock = os.open(folder / "lock", os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        yield _locked(lock, time.monotonic() + within_s)
    finally:
        # Not left to close(): a child forked meanwhile has the lock, too.
        fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)


def _locked(lock: int, until_s: float) -> bool:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                return False
            time.sleep(0.01)
        else:
            return True
