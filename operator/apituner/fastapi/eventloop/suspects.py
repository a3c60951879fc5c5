"""Who stands on the stack of a thread that does not come back: of all its functions, the one that a developer can change."""

import linecache
import os
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

# Deep enough for any framework (FastAPI under uvicorn is some 30 frames deep), and an end for recursion.
_DEEPEST = 200
_LONGEST_LINE = 100

# A collection has no frame of its own: it is seen where it tells our clock of its end.
_COLLECTION = "(garbage collection)"
_PAUSES = f"{__name__.rpartition('.')[0]}.pauses"

# Also the scripts: a server's begins every stack of the thread that it runs on.
_SCHEME = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
_LIBRARIES = tuple({path + os.sep for name in _SCHEME if (path := sysconfig.get_path(name))})
# Where pip installs for a user, a distribution for all, or an image into a folder of its own.
_INSTALLED = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
# Innermost where the loop waits for something to do (uvloop has no frames of its own, and shows who started it).
_EVENT_LOOP = ("asyncio", "selectors")
_OURSELVES = __name__.partition(".eventloop")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """The function that held the event loop, and the line it was at."""

    function: str
    """Its module and qualified name, such as ``shop.orders.invoice``."""
    file: str
    line: int

    @property
    def cure(self) -> str:
        """What to do where it computed too long."""
        if self.function == _COLLECTION:
            return "keep fewer objects, or call gc.freeze() after the start"
        return "move the computation to another process"

    @property
    def text(self) -> str:
        """The line itself, where its source is at hand."""
        return linecache.getline(self.file, self.line).strip()[:_LONGEST_LINE]


NOBODY = Suspect(function="", file="", line=0)


def suspect(innermost: FrameType, own_packages: frozenset[str]) -> Suspect:
    """
    Name the innermost function of the application; where there is none, the innermost function of all, and nobody where the loop is idle:
    a process that is frozen for a while (a paused machine, SIGSTOP) has a late loop, too.

    Of the application is what belongs to one of *own_packages* (those that serve its routes), wherever it is installed, and what is neither
    of the standard library nor an installed package: a call to ``requests.get`` ends in ``ssl``, but the handler is what can be changed.
    """
    collecting = innermost.f_globals.get("__name__") == _PAUSES
    frames = [frame for frame in _frames(innermost) if not _is_ours(frame)] or [innermost]
    own = next((frame for frame in frames if _is_own(frame, own_packages)), None)
    if own is None and not collecting and _package(frames[0]) in _EVENT_LOOP:
        return NOBODY
    own = own or frames[0]
    code = own.f_code
    function = f"{own.f_globals.get('__name__', '?')}.{code.co_qualname}"
    return Suspect(function=_COLLECTION if collecting else function, file=code.co_filename, line=own.f_lineno)


def _frames(innermost: FrameType) -> Iterator[FrameType]:
    frame: FrameType | None = innermost
    for _ in range(_DEEPEST):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _is_own(frame: FrameType, own_packages: frozenset[str]) -> bool:
    if _package(frame) in own_packages:
        return True
    file = frame.f_code.co_filename
    return not (file.startswith((*_LIBRARIES, "<")) or any(folder in file for folder in _INSTALLED))


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith(_OURSELVES)
