"""Work that can wait: a thread of its own does it, one piece after the other, and rests in between."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Piece = TypeVar("Piece")

# What waits at once: with bodies of at most 64 KiB some 2 MiB.
_MOST_WAITING = 32

# After each piece the thread rests for so many times as long as it took: at most a twentieth of a core, and of the interpreter's lock.
_REST_TIMES = 19
# The first piece reads the documents, which can take a second; who comes meanwhile need not wait for twenty.
_LONGEST_REST_S = 1.0

# One piece; a rest is cut short.
_STOP_S = 1.0


class Backlog(Generic[Piece]):
    """Does *work* with each piece that was left; *work* must not raise. Pieces come from one thread."""

    def __init__(self, work: Callable[[Piece], None]) -> None:
        self._work = work
        self._waiting: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def leave(self, piece: Piece) -> bool:
        """Leave *piece* for later; False where too much waits already. The first one starts the thread."""
        if self._waiting.qsize() >= _MOST_WAITING or self._stopped.is_set():
            return False
        # A fault in the validator's own language ends a thread past every except.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, args=(self._waiting, self._stopped), name="apituner-contract", daemon=True)
            self._thread.start()
        self._waiting.put(piece)
        return True

    def start(self) -> None:
        """Begin anew."""
        if self._stopped.is_set():
            self._waiting, self._stopped = queue.SimpleQueue(), threading.Event()

    def stop(self) -> None:
        """End; what still waits is let go."""
        self._stopped.set()
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(_STOP_S)
            self._thread = None

    def _run(self, waiting: "queue.SimpleQueue[Piece | None]", stopped: threading.Event) -> None:
        while (piece := waiting.get()) is not None and not stopped.is_set():
            since_s = time.perf_counter()
            self._work(piece)
            took_s = time.perf_counter() - since_s
            stopped.wait(min(_LONGEST_REST_S, took_s * _REST_TIMES))
