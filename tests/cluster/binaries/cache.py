"""The cache: what is there, and how what is missing gets there."""

import fcntl
import functools
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.binaries import gobuild
from cluster.binaries.families import FAMILIES, Family
from cluster.narration import narrate


def cache_folder() -> Path:
    """Where built programs live, by the rule of the XDG base directories."""
    stated = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(stated) if Path(stated).is_absolute() else Path.home() / ".cache"
    return base / "apituner"


@functools.cache
def ensure() -> dict[str, Path]:
    """Every program by its name; what the cache lacks is built first."""
    missing = [family for family in FAMILIES if not (cache_folder() / family.key).is_dir()]
    if missing:
        build(missing)
    built = {name: cache_folder() / family.key / "bin" / name for family in FAMILIES for name in family.packages}
    return built | {"kubectl": kubectl()}


def kubectl() -> Path:
    """The kubectl of the virtual environment: its package puts the program itself, not a wrapper, into the environment's `bin`."""
    return Path(sys.prefix) / "bin" / "kubectl"


def build(families: list[Family]) -> None:
    """Build *families* one after the other; what an interrupted run had compiled is taken up again."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with only_one(cache_folder() / "build.lock"):
        # The module and build caches are our own: sure to be on one disk with the result, never mixed with the user's, and
        # removed at the end (they hold 6 GB that nothing reads again), but only then, so that an interrupted build resumes.
        workshop = cache_folder() / "workshop"
        for step, family in enumerate(families, start=1):
            if (cache_folder() / family.key).is_dir():
                continue  # another run built it while this one waited for the lock
            narrate(
                f"[{step}/{len(families)}] building {family.name} {family.version}: about {family.minutes:.0f} min on 2 cores, once ..."
            )
            began = time.monotonic()
            partial = workshop / family.key
            shutil.rmtree(partial, ignore_errors=True)
            (partial / "bin").mkdir(parents=True)
            gobuild.build(family.module, family.packages, partial / "bin", flags=family.flags, workshop=workshop)
            partial.rename(cache_folder() / family.key)
            narrate(f"[{step}/{len(families)}] {family.name} is ready after {(time.monotonic() - began) / 60:.1f} min")
        shutil.rmtree(workshop, ignore_errors=True)


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold *lock*, a file, against another build; the kernel lets go of it however this process ends."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            narrate("another build is under way, waiting for it ...")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
