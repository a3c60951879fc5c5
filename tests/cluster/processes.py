"""Processes as the kernel tells of them: who descends from whom, and who shares a session."""

import ctypes
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One line of the process table."""

    pid: int
    parent: int
    session: int
    zombie: bool


def table() -> list[Process]:
    """Every process there is now."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue  # it ended while we looked
        # The name, in brackets, may hold anything; what follows its last bracket is: state, parent, group, session.
        state, parent, _, session = text.rpartition(")")[2].split()[:4]
        found.append(Process(pid=int(entry.name), parent=int(parent), session=int(session), zombie=state == "Z"))
    return found


def descendants(ancestor: int) -> list[Process]:
    """All that *ancestor* started, and what those started."""
    everyone = table()
    family = {ancestor}
    grew = True
    while grew:
        more = {p.pid for p in everyone if p.parent in family} - family
        family |= more
        grew = bool(more)
    return [p for p in everyone if p.pid in family and p.pid != ancestor]


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal *pid*; that it is gone already is what was wanted."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def adopt_orphans() -> None:
    """Make this process the parent of whatever its descendants leave behind."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def dies_with_parent() -> Callable[[], None]:
    """A preexec_fn: the kernel kills the child when this process ends, however it ends."""
    prctl = ctypes.CDLL(None).prctl  # loaded here: between fork and exec nothing may be imported
    parent = os.getpid()

    def arrange() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return arrange
