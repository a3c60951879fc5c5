"""What is observed of an event loop, and which applications run on it."""

import asyncio
import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from apituner.fastapi.eventloop.lag import LoopSampler
from apituner.fastapi.eventloop.stalls import StallWatch
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.workers.threads import ThreadWatch, publish_threads
from apituner.fastapi.workers.usage import CpuUsage

if TYPE_CHECKING:
    from apituner.fastapi.workers.attendance import Attendance


class OnThisLoop:
    """Made on the loop's thread, looked at from another; *on_tick* is called on the loop, with every tick."""

    def __init__(self, loop: asyncio.AbstractEventLoop, signals: Signals, on_tick: Callable[[], None]) -> None:
        self.apps: tuple[Attendance, ...] = ()
        """The applications on it; the first of them began it, and with that one it ends."""
        self.threads = ThreadWatch()
        self.usage = CpuUsage()
        self._on_tick = on_tick
        self.sampler = LoopSampler(loop, signals.loop, self.count)
        self.stalls = StallWatch(self.sampler, threading.get_ident(), signals, frozenset())
        self.sampler.held_by = self.stalls

    def admit(self, app: "Attendance") -> None:
        """Let *app* begin here, unless it has."""
        if app not in self.apps:
            self.apps += (app,)
            app.begin()
            self.stalls.own_packages |= app.own_packages()

    def dismiss(self, app: "Attendance") -> None:
        """Let *app* go, if it is here; what it noted is counted before."""
        if app in self.apps:
            app.on_tick()
            self.apps = tuple(other for other in self.apps if other is not app)

    def count(self) -> None:
        """Count what was noted."""
        for app in self.apps:
            app.on_tick()
        self._on_tick()

    def stop(self) -> None:
        """End; what was noted is counted before."""
        self.sampler.stop()
        self.count()


def publish_loops(loops: Collection[OnThisLoop], signals: Signals, *, now_s: float, process_cpu_s: float) -> None:
    """Set the gauges of the event loops of this process: mostly there is one, and of several the worst is told."""
    if not loops:
        return
    signals.loop.delay_max.set(max(on_loop.sampler.record.peak_s for on_loop in loops))
    usages = [on_loop.usage.ratios(now_s, process_cpu_s, on_loop.sampler.record.cpu_s) for on_loop in loops]
    if known := [usage for usage in usages if usage is not None]:
        signals.worker.cpu_max.set(max(process for process, _ in known))
        signals.worker.loop_cpu_max.set(max(loop for _, loop in known))
    publish_threads([on_loop.threads for on_loop in loops], signals.worker)
