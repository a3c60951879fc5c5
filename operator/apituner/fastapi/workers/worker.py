"""What this process reports of itself while it serves: its event loops, CPU and memory, and the port that serves it all."""

import asyncio
import atexit
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from apituner.fastapi.eventloop.clocks import resident_memory_bytes
from apituner.fastapi.eventloop.pauses import PauseClock
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.settings import MetricsAddress
from apituner.fastapi.workers.collecting import collected, tidy
from apituner.fastapi.workers.facts import state_facts
from apituner.fastapi.workers.loops import OnThisLoop, publish_loops
from apituner.fastapi.workers.processes import claim
from apituner.fastapi.workers.serving import MetricsServer
from apituner.fastapi.workers.siblings import Siblings
from apituner.fastapi.workers.throttling import ThrottlingClock
from apituner.fastapi.workers.usage import CpuTotal
from apituner.fastapi.workers.watch import PUBLISH_EVERY_S, WatchThread

if TYPE_CHECKING:
    from apituner.fastapi.workers.attendance import Attendance


class _Service:
    """What begins with the first application of the process, and ends with the last: its place among others, its port, its threads."""

    def __init__(self, worker: "Worker", address: MetricsAddress, *, shared: bool) -> None:
        self.siblings = Siblings(f"{address.host}:{address.port}")
        self.throttling = ThrottlingClock(worker.signals.worker)
        self.pauses = PauseClock(worker.signals.loop)
        self.server = MetricsServer(address, worker.collect, shared=shared)
        with ExitStack() as undo:
            undo.callback(self.siblings.leave)
            self.siblings.join()
            undo.callback(self.server.stop)
            self.server.start()
            undo.callback(self.pauses.stop)
            self.pauses.start()
            undo.callback(WatchThread(worker).stop)
            # Some servers run no lifespan, and what was noted last must count nevertheless.
            atexit.register(worker.end)
            undo.callback(atexit.unregister, worker.end)
            self.stop = undo.pop_all().close


class Worker:
    """
    One process of the API, while an event loop of it runs an application that is observed.

    What is observed of an event loop ends with the application that was there first: one that is mounted in it has no lifespan of its own,
    and would never leave. An application that goes on there begins anew with its next request.
    """

    def __init__(self, signals: Signals, folder: Path | None, *, on_tick: Callable[[], None], on_publish: Callable[[], None]) -> None:
        self.signals = signals
        self._folder = folder
        self._on_tick = on_tick
        self._on_publish = on_publish
        self._cpu = CpuTotal()
        self._changing = threading.Lock()
        # Never changed but replaced, for other threads go through it.
        self._loops: dict[asyncio.AbstractEventLoop, OnThisLoop] = {}
        self._service: _Service | None = None
        os.register_at_fork(after_in_child=self._forget)

    @property
    def port(self) -> int | None:
        """The port being served; None where there is none, or none that could be taken yet."""
        return None if self._service is None else self._service.server.port

    def join(self, app: "Attendance", loop: asyncio.AbstractEventLoop, address: MetricsAddress) -> None:
        """Let *app* begin on *loop*, which runs in this thread; the first application of the process takes the port at *address*."""
        with self._changing:
            if self._service is None:
                self._service = self._begin(address)
            if (on_loop := self._loops.get(loop)) is None:
                state_facts(self.signals.worker, loop)
                on_loop = OnThisLoop(loop, self.signals, self._on_tick)
                self._loops = {**self._loops, loop: on_loop}
            on_loop.admit(app)
            # Where a server runs no lifespan, nobody else says that they are over.
            for closed in [known for known in self._loops if known.is_closed()]:
                self._end_loop(closed)

    def leave(self, app: "Attendance") -> None:
        """Let *app* end, and the event loops where it was first; with the last one the port is freed."""
        with self._changing:
            for loop, on_loop in self._loops.items():
                if app in on_loop.apps[:1]:
                    self._end_loop(loop)
                else:
                    on_loop.dismiss(app)
            self._end_unless_elsewhere(app)
            self._end_service()

    def end(self) -> None:
        """End all."""
        with self._changing:
            for loop in self._loops:
                self._end_loop(loop)
            self._end_service()

    def next_look_s(self, now_s: float) -> float:
        """Tell in how many seconds a look at an event loop is due."""
        return min((on_loop.stalls.next_look_s(now_s) for on_loop in self._loops.values()), default=PUBLISH_EVERY_S)

    def look(self, now_s: float) -> None:
        """Look at the event loops."""
        for on_loop in self._loops.values():
            on_loop.stalls.look(now_s)

    def publish(self, now_s: float) -> None:
        """Hand on what was noted, and set the gauges."""
        self._count()
        loops, service = tuple(self._loops.values()), self._service
        for on_loop in loops:
            on_loop.stalls.report()
        publish_loops(loops, self.signals, now_s=now_s, process_cpu_s=time.process_time())
        if service is not None:
            self.signals.worker.memory.labels(str(service.siblings.place)).set(resident_memory_bytes())
            service.throttling.publish(leads=service.siblings.leads())
        for app in dict.fromkeys(app for on_loop in loops for app in on_loop.apps):
            app.publish()
        self._on_publish()

    def collect(self) -> CollectorRegistry:
        """Return what a scrape answers."""
        self.signals.tallies.count()
        if self._folder is not None:
            return collected(self._folder, self.signals.worker.complete)
        if (service := self._service) is not None:
            self.signals.worker.complete.set(1 if service.siblings.count() <= 1 else 0)
        return self.signals.registry

    def _begin(self, address: MetricsAddress) -> _Service:
        if self._folder is not None:
            # Not where the app is made: a server may fork its workers after that.
            claim(self._folder, {family.name for family in self.signals.registry.collect()})
            tidy(self._folder)
        return _Service(self, address, shared=self._folder is not None)

    def _end_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        on_loop = self._loops[loop]
        self._loops = {other: on_other for other, on_other in self._loops.items() if other is not loop}
        on_loop.stop()
        for app in on_loop.apps:
            app.loop = None
            self._end_unless_elsewhere(app)

    def _end_unless_elsewhere(self, app: "Attendance") -> None:
        if not any(app in on_loop.apps for on_loop in self._loops.values()):
            app.end()

    def _end_service(self) -> None:
        if self._service is not None and not self._loops:
            self._count()
            self._service.stop()
            self._service = None

    def _count(self) -> None:
        self.signals.worker.cpu.of().add(self._cpu.uncounted_s(time.process_time()))
        self.signals.tallies.count()

    def _forget(self) -> None:
        # A child has neither our threads nor our sockets, and its CPU time begins with it; whether it serves is to be seen.
        for on_loop in self._loops.values():
            for app in on_loop.apps:
                app.forget()
        if self._service is not None:
            self._service.pauses.stop()
        self._changing, self._loops, self._service, self._cpu = threading.Lock(), {}, None, CpuTotal()
