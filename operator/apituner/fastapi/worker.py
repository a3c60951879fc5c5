"""What this process reports of itself while it lives: its event loop, CPU, memory, pools, threads, and the port that serves it all."""

import asyncio
import importlib.metadata
import os
import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from apituner.fastapi.clocks import resident_memory_bytes
from apituner.fastapi.loop import LoopSampler
from apituner.fastapi.pools import PoolWatch
from apituner.fastapi.processes import Siblings, collected, forget_predecessor, shared_folder
from apituner.fastapi.serving import MetricsServer
from apituner.fastapi.settings import MetricsAddress
from apituner.fastapi.signals import Signals
from apituner.fastapi.throttling import Throttling, own_cpu_stat, read_throttling

if TYPE_CHECKING:
    from anyio import CapacityLimiter

# Gauges need no more: Prometheus reads them every few seconds. The work is some 50 us.
_PUBLISH_EVERY_S = 0.25

# The usual scrape interval, so that one busy moment between two scrapes still shows, and one busy request does not look like saturation.
_CPU_WINDOW_S = 15.0

_SERVERS = ("gunicorn", "hypercorn", "granian", "uvicorn")


class Worker:
    """One process of the API, from its first event loop to the end of its lifespan."""

    def __init__(self, signals: Signals, pools: list[PoolWatch], address: MetricsAddress) -> None:
        self.signals = signals
        self._pools = pools
        self._folder = shared_folder()
        self._siblings = Siblings(f"{address.host}:{address.port}")
        self._sampler: LoopSampler | None = None
        self._limiter: CapacityLimiter | None = None
        self._cpu_s = 0.0
        self._usage: deque[tuple[float, float, float]] = deque()
        self._publish_at_s = 0.0
        self._cpu_stat = own_cpu_stat()
        self._throttling = Throttling()
        self.server = MetricsServer(address, self._collect, shared=self._folder is not None)

    def attend(self) -> None:
        """Begin on the running event loop, unless already begun there."""
        loop = asyncio.get_running_loop()
        if self._sampler is not None:
            if self._sampler.loop is loop:
                return
            self._sampler.stop()
        if self._folder is not None:
            forget_predecessor(self._folder)
        self._limiter = _thread_limiter()
        self._cpu_s = time.process_time()
        self._usage.clear()
        self._throttling = read_throttling(self._cpu_stat) if self._cpu_stat is not None else Throttling()
        self._state_facts(loop)
        self._siblings.join()
        self.server.start()
        self._sampler = LoopSampler(loop, self.signals, self._on_tick)

    def leave(self) -> None:
        """End, and free the port."""
        if self._sampler is not None:
            self._sampler.stop()
            self._sampler = None
        self.server.stop()
        self._siblings.leave()

    def _state_facts(self, loop: asyncio.AbstractEventLoop) -> None:
        kind = "uvloop" if type(loop).__module__.startswith("uvloop") else "asyncio"
        self.signals.build.labels(_version(), _server(), kind).set(1)
        self.signals.workers.set(1)
        self.signals.complete.set(1)
        if (workers := os.environ.get("WEB_CONCURRENCY", "").strip()).isdecimal():
            self.signals.setting.labels("web_concurrency", "").set(int(workers))

    def _collect(self) -> CollectorRegistry:
        if self._folder is not None:
            return collected(self._folder)
        self.signals.complete.set(1 if self._siblings.count() <= 1 else 0)
        return self.signals.registry

    def _on_tick(self, now_s: float) -> None:
        if now_s >= self._publish_at_s:
            self._publish_at_s = now_s + _PUBLISH_EVERY_S
            self._publish(now_s)

    def _publish(self, now_s: float) -> None:
        signals = self.signals
        cpu_s, loop_cpu_s = time.process_time(), time.thread_time()
        signals.process_cpu.inc(max(0.0, cpu_s - self._cpu_s))
        self._cpu_s = cpu_s
        usage = self._usage
        usage.append((now_s, cpu_s, loop_cpu_s))
        while now_s - usage[0][0] > _CPU_WINDOW_S:
            usage.popleft()
        since_s, cpu_before_s, loop_cpu_before_s = usage[0]
        if now_s > since_s:
            signals.worker_cpu.set((cpu_s - cpu_before_s) / (now_s - since_s))
            signals.worker_loop_cpu.set((loop_cpu_s - loop_cpu_before_s) / (now_s - since_s))
        signals.worker_memory.set(resident_memory_bytes())
        for pool in self._pools:
            pool.publish()
        self._publish_threads()
        if self._siblings.first and self._cpu_stat is not None:
            self._publish_throttling(read_throttling(self._cpu_stat))

    def _publish_threads(self) -> None:
        if self._limiter is not None:
            total = self._limiter.total_tokens
            self.signals.threadpool.labels("total").set(total)
            self.signals.threadpool.labels("borrowed").set(self._limiter.borrowed_tokens)
            self.signals.threadpool_waiting.set(self._limiter.statistics().tasks_waiting)
            self.signals.setting.labels("threadpool_tokens", "").set(total)

    def _publish_throttling(self, now: Throttling) -> None:
        before, self._throttling = self._throttling, now
        self.signals.cgroup_periods.inc(max(0, now.periods - before.periods))
        self.signals.cgroup_throttled_periods.inc(max(0, now.throttled_periods - before.throttled_periods))
        self.signals.cgroup_throttled.inc(max(0.0, now.throttled_s - before.throttled_s))


def _thread_limiter() -> "CapacityLimiter | None":
    """Return the limiter of handlers written with def; None where the application does not run on anyio."""
    if "anyio" not in sys.modules:
        return None
    from anyio import to_thread  # noqa: PLC0415 - an ASGI application need not have anyio

    return to_thread.current_default_thread_limiter()


def _version() -> str:
    try:
        return importlib.metadata.version("apituner")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout
        return "unknown"


def _server() -> str:
    """Name the program that runs the API: gunicorn runs uvicorn's worker, so the outermost comes first."""
    return next((name for name in _SERVERS if name in sys.modules), "unknown")
