"""The thread that looks at the event loop from outside, and hands on what was noted: a blocked loop can do neither."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from apituner.fastapi.seldom import Seldom

_log = logging.getLogger("apituner.fastapi")

# Gauges need no more: Prometheus reads them every few seconds. The work is some 100 us.
PUBLISH_EVERY_S = 0.25


class Watched(Protocol):
    """What is looked at."""

    def next_look_s(self, now_s: float) -> float:
        """Tell in how many seconds a look is due."""

    def look(self, now_s: float) -> None:
        """Look; cheap where nothing is wrong."""

    def publish(self, now_s: float) -> None:
        """Hand on what was noted."""


class WatchThread:
    """Looks and publishes until it is stopped."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._stopped = threading.Event()
        self._seldom = Seldom(every_s=60.0)
        self._thread = threading.Thread(target=self._run, name="apituner-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        publish_at_s = time.perf_counter() + PUBLISH_EVERY_S
        while True:
            now_s = time.perf_counter()
            if self._stopped.wait(min(self._watched.next_look_s(now_s), max(0.0, publish_at_s - now_s))):
                return
            now_s = time.perf_counter()
            self._try(self._watched.look, now_s, "could not look at the event loop of this process")
            if now_s >= publish_at_s:
                publish_at_s = now_s + PUBLISH_EVERY_S
                self._try(self._watched.publish, now_s, "could not publish the metrics of this process")

    def _try(self, step: Callable[[float], None], now_s: float, sentence: str) -> None:
        try:
            step(now_s)
        except Exception:  # noqa: BLE001 - whatever is wrong with us must not become the API's fault
            # The folder that the workers share may be full or gone: the API goes on, and so does the watch.
            if self._seldom.due(sentence, now_s):
                _log.exception(sentence)
