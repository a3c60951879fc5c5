"""What this process reports of itself while it lives: its event loop, CPU, memory, pools, threads, and the port that serves it all."""

import asyncio
import atexit
import importlib.metadata
import logging
import os
import sys
import threading
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from apituner.fastapi.database.watch import PoolWatch
from apituner.fastapi.eventloop.clocks import resident_memory_bytes
from apituner.fastapi.eventloop.lag import LoopSampler
from apituner.fastapi.eventloop.pauses import PauseClock
from apituner.fastapi.eventloop.stalls import StallWatch
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.operations.companion import Companion
from apituner.fastapi.settings import MetricsAddress
from apituner.fastapi.workers.collecting import collected, tidy
from apituner.fastapi.workers.processes import claim, shared_folder
from apituner.fastapi.workers.serving import MetricsServer
from apituner.fastapi.workers.siblings import Siblings
from apituner.fastapi.workers.threads import ThreadWatch
from apituner.fastapi.workers.throttling import ThrottlingClock
from apituner.fastapi.workers.usage import CpuTotal, CpuUsage
from apituner.fastapi.workers.watch import WatchThread

_log = logging.getLogger("apituner.fastapi")

_SERVERS = ("gunicorn", "hypercorn", "granian", "uvicorn")


class OnThisLoop:
    """What lives as long as one event loop: made on its thread, looked at from another."""

    def __init__(self, worker: "Worker", loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._worker = worker
        signals = worker.signals
        self._usage = CpuUsage()
        self._threads = ThreadWatch(signals.worker)
        self._throttling = ThrottlingClock(signals.worker)
        self._pauses = PauseClock(signals.loop)
        self._pauses.start()
        self._sampler = LoopSampler(loop, signals.loop, worker.on_tick)
        self._stalls = StallWatch(self._sampler, threading.get_ident(), signals, worker.own_packages())
        self._sampler.held_by = self._stalls
        self._thread = WatchThread(self)

    def stop(self) -> None:
        """End; what was noted is handed on before."""
        self._sampler.stop()
        self._pauses.stop()
        self._thread.stop()
        self._worker.on_tick()
        self._worker.signals.worker.cpu.of().add(self._worker.cpu.uncounted_s())
        self._worker.signals.tallies.count()

    def next_look_s(self, now_s: float) -> float:
        """Tell in how many seconds a look at the loop is due."""
        return self._stalls.next_look_s(now_s)

    def look(self, now_s: float) -> None:
        """Look at the loop."""
        self._stalls.look(now_s)

    def publish(self, now_s: float) -> None:
        """Hand on what was noted, and set the gauges."""
        signals = self._worker.signals.worker
        signals.cpu.of().add(self._worker.cpu.uncounted_s())
        if (ratios := self._usage.ratios(now_s, time.process_time(), self._sampler.record.cpu_s)) is not None:
            signals.cpu_max.set(ratios[0])
            signals.loop_cpu_max.set(ratios[1])
        self._threads.publish()
        self._sampler.record.publish()
        self._throttling.publish(leads=self._worker.siblings.leads())
        self._worker.publish()
        self._stalls.report()


class Worker:
    """One process of the API, from its first event loop to the end of its lifespan."""

    def __init__(  # noqa: PLR0913 - what it calls, and when
        self,
        signals: Signals,
        address: MetricsAddress,
        *,
        own_packages: Callable[[], frozenset[str]],
        on_tick: Callable[[], None],
        on_publish: Callable[[], None],
        companions: tuple[Companion, ...] = (),
    ) -> None:
        self.signals = signals
        self.pools: list[PoolWatch] = []
        self.own_packages = own_packages
        self.on_tick = on_tick
        self.siblings = Siblings(f"{address.host}:{address.port}")
        self.cpu = CpuTotal()
        self._on_publish = on_publish
        self._companions = companions
        self._folder = shared_folder()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._on_loop: OnThisLoop | None = None
        self.server = MetricsServer(address, self._collect, shared=self._folder is not None)

    def attend(self) -> None:
        """Begin on the running event loop; what fails here fails for every request, so it is tried once."""
        self.loop = asyncio.get_running_loop()
        try:
            self._begin(self.loop)
        except Exception:  # noqa: BLE001 - whatever is wrong with us must not become the API's fault
            _log.exception("this process is not observed, and serves")

    def leave(self) -> None:
        """End, and free the port."""
        atexit.unregister(self._leave_at_exit)
        if self._on_loop is not None:
            self._on_loop.stop()
            self._on_loop = self.loop = None
        for companion in self._companions:
            companion.stop()
        self.server.stop()
        self.siblings.leave()

    def publish(self) -> None:
        """Set the gauges of the process, and hand on what was noted."""
        place = self.siblings.place
        self.signals.worker.memory.labels(str(place)).set(resident_memory_bytes())
        for pool in self.pools:
            pool.publish()
        self._on_publish()
        self.signals.tallies.count()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._on_loop is not None:
            self._on_loop.stop()
        if self._folder is not None:
            # Not where the app is made: a server may fork its workers after that.
            claim(self._folder, {family.name for family in self.signals.registry.collect()})
            tidy(self._folder)
        self._state_facts(loop)
        self.siblings.join()
        self.server.start()
        for companion in self._companions:
            companion.start()
        self._on_loop = OnThisLoop(self, loop)
        # Some servers run no lifespan, and what was noted last must count nevertheless.
        atexit.register(self._leave_at_exit, os.getpid())

    def _leave_at_exit(self, pid: int) -> None:
        # A child that the application forked ends like this, too, and has a copy of what is not counted yet.
        if pid == os.getpid():
            self.leave()

    def _state_facts(self, loop: asyncio.AbstractEventLoop) -> None:
        kind = type(loop).__module__.partition(".")[0]
        signals = self.signals.worker
        signals.build.labels(_version(), _server(), kind).set(1)
        signals.workers.set(1)
        signals.complete.set(1)
        if (workers := os.environ.get("WEB_CONCURRENCY", "").strip()).isdecimal():
            signals.setting.labels("web_concurrency", "").set(int(workers))

    def _collect(self) -> CollectorRegistry:
        self.signals.tallies.count()
        if self._folder is not None:
            return collected(self._folder, self.signals.worker.complete)
        self.signals.worker.complete.set(1 if self.siblings.count() <= 1 else 0)
        return self.signals.registry


def _version() -> str:
    try:
        return importlib.metadata.version("apituner")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout
        return "unknown"


def _server() -> str:
    """Name the program that runs the API: gunicorn runs uvicorn's worker, so the outermost comes first."""
    return next((name for name in _SERVERS if name in sys.modules), "unknown")
