"""How long garbage collections stopped the process: they look like a blocked loop, and more workers do not shorten them."""

import gc
import time
from collections.abc import Mapping

from apituner.fastapi.measures.loop_signals import LoopSignals


class PauseClock:
    """Times every collection, by generation: the older, the longer."""

    def __init__(self, signals: LoopSignals) -> None:
        self._pauses = [signals.gc_pause.of(str(generation)) for generation in range(len(gc.get_count()))]
        self._since_s = 0.0

    def start(self) -> None:
        """Begin, unless begun."""
        if self._on_collection not in gc.callbacks:
            gc.callbacks.append(self._on_collection)

    def stop(self) -> None:
        """End."""
        if self._on_collection in gc.callbacks:
            gc.callbacks.remove(self._on_collection)

    def _on_collection(self, phase: str, about: Mapping[str, int]) -> None:
        # Collections do not overlap: they hold the interpreter's lock.
        if phase == "start":
            self._since_s = time.perf_counter()
        else:
            self._pauses[min(about["generation"], len(self._pauses) - 1)].observe(time.perf_counter() - self._since_s)
