"""One process is one worker, however many applications and event loops it has."""

import asyncio
import gc
import logging
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi.eventloop.lag import LoopSampler
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.settings import MetricsAddress
from apituner.fastapi.workers.attendance import Attendance
from apituner.fastapi.workers.worker import Worker
from servers import free_port

_ANY_PORT = MetricsAddress(host="127.0.0.1", port=0)


class _Companion:
    """Knows whether it lives."""

    def __init__(self) -> None:
        self.alive = 0

    def start(self) -> None:
        """Begin."""
        self.alive += 1

    def stop(self) -> None:
        """End."""
        self.alive -= 1


class _World:
    """A worker, whose applications say what is to be counted."""

    def __init__(self) -> None:
        self.signals = Signals(CollectorRegistry())
        self.counted: list[str] = []
        self.published: list[str] = []
        self.worker = Worker(
            self.signals, None, on_tick=lambda: self.counted.append("calls"), on_publish=lambda: self.published.append("calls")
        )
        self.companion = _Companion()

    def app(self, name: str, *, packages: frozenset[str] = frozenset(), address: MetricsAddress = _ANY_PORT) -> Attendance:
        """Make an application with one companion."""
        return Attendance(
            self.worker,
            address,
            own_packages=lambda: packages,
            on_tick=lambda: self.counted.append(name),
            on_publish=lambda: self.published.append(name),
            companions=(self.companion,),
        )

    def value(self, name: str, **labels: str) -> float | None:
        """Read one series, after everything that was noted is counted."""
        self.signals.tallies.count()
        return self.signals.registry.get_sample_value(name, labels)

    def sampler(self) -> LoopSampler:
        """Return the sampler of the running event loop."""
        return self.worker._loops[asyncio.get_running_loop()].sampler


def _threads() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("apituner"))


async def test_two_applications_of_one_event_loop_have_one_of_everything() -> None:
    """One thread that watches, one that serves the metrics, one sampler, whose ticks count what both noted."""
    world, before = _World(), _threads()
    outer, inner = world.app("outer"), world.app("inner")
    outer.attend()
    port, sampler = outer.port, world.sampler()
    inner.attend()
    assert (inner.port, world.sampler()) == (port, sampler)
    assert Counter(_threads()) - Counter(before) == Counter(["apituner-metrics", "apituner-watch"])
    sampler.tick(sampler.due_s)
    assert world.value("asyncio_eventloop_delay_seconds_count") == 1
    assert world.counted == ["outer", "inner", "calls"]
    world.worker.publish(time.perf_counter())
    assert world.published[-3:] == ["outer", "inner", "calls"]
    outer.leave()
    assert (_threads(), outer.port, world.companion.alive) == (before, None, 0)


async def test_what_the_process_is_given_and_uses_is_published() -> None:
    """Memory, threads, the largest delay, and for how long collections stopped it while it served."""
    world = _World()
    app = world.app("orders")
    app.attend()
    sampler = world.sampler()
    sampler.tick(sampler.due_s + 0.04)
    gc.collect()
    world.worker.publish(time.perf_counter())
    app.leave()
    collections = world.value("cpython_gc_pause_seconds_count", generation="2") or 0
    gc.collect()
    (memory,) = [metric for metric in world.signals.registry.collect() if metric.name == "apituning_worker_resident_memory_bytes"]
    assert [sample.value > 10 * 2**20 for sample in memory.samples] == [True]
    assert (world.value("apituning_threadpool_tokens", state="total") or 0) > 0
    assert world.value("asyncio_eventloop_delay_max_seconds") == pytest.approx(0.04)
    assert world.value("cpython_gc_pause_seconds_count", generation="2") == collections >= 1


async def test_what_was_noted_last_is_counted_at_the_end() -> None:
    """Also what no tick and no publication saw."""
    world = _World()
    app = world.app("orders")
    app.attend()
    world.signals.loop.delay.of().observe(0.01)
    app.leave()
    assert world.counted == ["orders", "calls"]
    assert world.signals.registry.get_sample_value("asyncio_eventloop_delay_seconds_count") == 1
    assert (world.signals.registry.get_sample_value("process_cpu_time_seconds_total") or 0) > 0


async def test_who_came_later_leaves_alone() -> None:
    """The event loop goes on for the one that was there first."""
    world = _World()
    first, second = world.app("first"), world.app("second")
    first.attend()
    second.attend()
    second.leave()
    assert (first.port is None, second.loop, world.companion.alive) == (False, None, 1)
    assert world.counted == ["second"]
    first.leave()


async def test_who_goes_on_without_the_first_begins_anew() -> None:
    """Such as another server's application on the same event loop: its next request finds that nothing has begun."""
    world = _World()
    first, second = world.app("first"), world.app("second")
    first.attend()
    second.attend()
    first.leave()
    assert (second.loop, second.port, world.companion.alive) == (None, None, 0)
    second.attend()
    assert second.port is not None
    second.leave()


def test_an_application_may_run_on_two_event_loops_at_once() -> None:
    """Each has its sampler, however the requests alternate, and its companions live once."""
    world = _World()
    app = world.app("orders")
    samplers: set[LoopSampler] = set()

    async def ask() -> None:
        app.attend()
        samplers.add(world.sampler())

    with asyncio.Runner() as one, asyncio.Runner() as other, ThreadPoolExecutor(1) as thread:
        for _ in range(3):
            one.run(ask())
            thread.submit(other.run, ask()).result()
        assert (len(samplers), world.companion.alive) == (2, 1)
        app.leave()
        thread.submit(other.close).result()
    assert (app.port, world.companion.alive) == (None, 0)


def test_an_event_loop_that_is_closed_is_forgotten_with_the_next() -> None:
    """Where a server runs no lifespan nobody says that it is over; a test suite makes one for each test."""
    world = _World()
    app = world.app("orders")

    async def ask() -> int | None:
        app.attend()
        return app.port

    ports = [asyncio.run(ask()) for _ in range(3)]
    assert (len(set(ports)), len(world.worker._loops), world.companion.alive) == (1, 1, 1)
    app.leave()
    assert (app.port, world.companion.alive) == (None, 0)


async def test_cpu_time_is_the_processs_own() -> None:
    """All of it, and once: as much as the system says, although it is published many times and by several applications."""
    world = _World()
    apps = [world.app("first"), world.app("second")]
    for app in apps:
        app.attend()
    before_s = time.process_time()
    world.worker.publish(time.perf_counter())
    world.worker.publish(time.perf_counter())
    assert before_s <= (world.value("process_cpu_time_seconds_total") or 0) <= time.process_time()
    apps[0].leave()


async def test_throttling_is_reported_by_one_of_two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the container's: two that report it would seem to be twice as much."""
    file = tmp_path / "cpu.stat"
    file.write_text("nr_periods 10\nnr_throttled 5\nthrottled_usec 1000000\n", "ascii")
    monkeypatch.setattr("apituner.fastapi.workers.throttling.own_cpu_stat", lambda: file)
    address = MetricsAddress(host="127.0.0.1", port=free_port())
    worlds = [_World(), _World()]
    apps = [world.app("orders", address=address) for world in worlds]
    for app in apps:
        app.attend()
    file.write_text("nr_periods 30\nnr_throttled 9\nthrottled_usec 3000000\n", "ascii")
    for world in worlds:
        world.worker.publish(time.perf_counter())
    assert {0.0, 20.0} == {world.value("apituning_cgroup_periods_total") for world in worlds}
    for app in apps:
        app.leave()


async def test_who_holds_the_event_loop_is_told_by_what_serves_the_routes(caplog: pytest.LogCaptureFixture) -> None:
    """Also where it is installed like a library, as the standard library is here, and mounted; the series names it, and the log."""
    world = _World()
    app, mounted = world.app("orders"), world.app("mounted", packages=frozenset({"concurrent", "threading"}))
    app.attend()
    mounted.attend()
    sampler = world.sampler()
    stuck_s = sampler.due_s + 1.0
    with ThreadPoolExecutor(1) as watching:
        watching.submit(world.worker.look, stuck_s).result()
    sampler.tick(stuck_s)
    with caplog.at_level(logging.WARNING):
        world.worker.publish(stuck_s)
    (held,) = [metric for metric in world.signals.registry.collect() if metric.name == "apituning_eventloop_held_seconds"]
    functions = {sample.labels["code_function_name"] for sample in held.samples if sample.value > 0.5}
    app.leave()
    assert {function.partition(".")[0] for function in functions} <= {"concurrent", "threading"}
    assert functions
    assert re.search(r"the event loop stood still for \d+ ms in route \(none\): (concurrent|threading)\.", caplog.text)
