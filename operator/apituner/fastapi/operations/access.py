"""
The access log: one line a request on the standard output, apart from what the application logs.

Lines are written by a thread of their own, for a pipe that nobody empties would block the event loop. The query of a request is left out:
it may hold what no log should.
"""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from apituner.fastapi.measures.tallies import Total
from apituner.fastapi.operations.lines import Clock, Format, cut, plain, quoted
from apituner.fastapi.requests.exchange import Ended

# Some 2 MB, and a second of a very busy worker: what a pipe that nobody empties may cost.
_MOST_WAITING = 10_000
# A log is read by people and shippers: a tenth of a second later is soon enough, and many lines are written at once.
_WRITE_EVERY_S = 0.1

# Written at once, this much comes out of a pipe in one piece, also where several workers write to it (PIPE_BUF of Linux; POSIX guarantees
# 512). Three workers broke one line in 300 before (measured).
_MOST_AT_ONCE = 4096

# A server takes paths of 64 KiB; so much of one leaves a line short enough for that, and one of so many characters needs no look.
_LONGEST_PATH, _SURELY_SHORT = 2_400, 200

# The servers' own access logs, which would say everything twice.
_OTHERS = ("uvicorn.access", "gunicorn.access", "hypercorn.access", "_granian.access")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLog:
    """Log every measured request to the standard output; the server's own access log is turned off."""

    format: Format = "json"


class AccessWriter:
    """Writes the access log of one process; lines that are lost behind a pipe that nobody empties are counted in *dropped*."""

    def __init__(self, log: AccessLog, dropped: Total) -> None:
        self._as_json = log.format == "json"
        self._dropped = dropped
        self._clock = Clock()
        self._waiting: deque[str] = deque()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._epoch_s = 0.0

    def start(self) -> None:
        """Begin to write."""
        for name in _OTHERS:
            other = logging.getLogger(name)
            # Without handlers uvicorn does not even make the line.
            other.handlers.clear()
            other.propagate = False
        self._epoch_s = time.time() - time.perf_counter()
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="apituner-access-log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end; a pipe that nobody empties is waited for no longer than a second."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def read(self, ended: Ended, route: str) -> None:
        """Log one request."""
        if len(self._waiting) >= _MOST_WAITING:
            self._dropped.add(1)
            return
        at = self._clock.at(ended.at_s + self._epoch_s)
        client = ended.client[0] if ended.client else ""
        path = ended.path if len(ended.path) <= _SURELY_SHORT else cut(ended.path, _LONGEST_PATH)
        if self._as_json:
            line = (
                f'{{"time":"{at}","logger":"access","method":"{ended.method}","path":{quoted(path)},"route":{quoted(route)},'
                f'"status":{ended.status},"duration_ms":{ended.seconds * 1e3:.1f},"bytes":{ended.sent_bytes},"client":{quoted(client)},'
                f'"request_id":"{ended.request_id}","trace_id":"{ended.trace_id}"}}\n'
            )
        else:
            line = (
                f'{at} access {plain(client)} "{ended.method} {plain(path)}" {ended.status} {ended.seconds * 1e3:.1f}ms '
                f"{ended.sent_bytes}B request_id={ended.request_id} trace_id={ended.trace_id}\n"
            )
        self._waiting.append(line)

    def _run(self) -> None:
        while not self._stopped.wait(_WRITE_EVERY_S):
            self._write()
        self._write()

    def _write(self) -> None:
        for piece in _pieces([self._waiting.popleft() for _ in range(len(self._waiting))]):
            try:
                sys.stdout.write("".join(piece))
                sys.stdout.flush()
            except (OSError, ValueError):
                # The reader of the pipe is gone, or the output is closed: the lines are lost, the API is not.
                self._dropped.add(len(piece))


def _pieces(lines: Iterable[str]) -> Iterator[list[str]]:
    """Return *lines* in pieces that are written at once."""
    piece: list[str] = []
    size = 0
    for line in lines:
        if piece and size + len(line) > _MOST_AT_ONCE:
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield piece
