"""A late tick says how late a request would have been, and whether the loop was busy or stood still."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi.eventloop.lag import TICK_S, LoopRecord, LoopSampler, blocked_s
from apituner.fastapi.measures.signals import Signals


class _Loop:
    """A record of a loop, and the series that it makes."""

    def __init__(self) -> None:
        self._signals = Signals(CollectorRegistry())
        self.record = LoopRecord(self._signals.loop, now_s=0.0)

    def value(self, name: str) -> float | None:
        """Read one series, after everything that was noted is counted."""
        self._signals.tallies.count()
        return self._signals.registry.get_sample_value(name)


@pytest.mark.parametrize(
    ("expected_s", "late_s", "used_s", "waited_s"),
    [
        pytest.param(0.195, 0.2, 0.005, 0.0, id="a call that blocks leaves the CPU idle"),
        pytest.param(0.0, 0.2, 0.24, 0.0, id="a saturated loop is busy, not blocked"),
        pytest.param(0.0, 0.2, 0.05, 0.18, id="a contended or throttled machine keeps the thread waiting for a CPU"),
        pytest.param(0.1, 0.2, 0.06, 0.04, id="what neither explains is blocked"),
    ],
)
def test_blocked_is_what_the_cpu_does_not_explain(expected_s: float, late_s: float, used_s: float, waited_s: float) -> None:
    """Lateness without CPU time and without waiting for a CPU: never below zero."""
    assert expected_s == pytest.approx(blocked_s(late_s=late_s, used_s=used_s, waited_s=waited_s))


def test_a_block_counts_for_every_tick_it_swallowed() -> None:
    """220 ms of lateness are five observations: the average request found the loop 120 ms late, not one of five 220 ms late."""
    loop = _Loop()
    loop.record.tick(late_s=0.22, used_s=0.0, waited_s=0.0, now_s=1.0)
    assert loop.value("asyncio_eventloop_delay_seconds_count") == 5
    assert loop.value("asyncio_eventloop_delay_seconds_sum") == pytest.approx(0.22 + 0.17 + 0.12 + 0.07 + 0.02)
    assert loop.value("apituning_eventloop_blocked_seconds_total") == pytest.approx(0.22)


def test_a_tick_in_time_is_one_observation_and_no_block() -> None:
    """Lateness up to the threshold of 50 ms is noise of the machine."""
    loop = _Loop()
    loop.record.tick(late_s=0.049, used_s=0.001, waited_s=0.0, now_s=1.0)
    assert loop.value("asyncio_eventloop_delay_seconds_count") == 1
    assert loop.value("apituning_eventloop_blocked_seconds_total") == 0
    assert loop.value("asyncio_eventloop_cpu_seconds_total") == pytest.approx(0.001)


def test_a_suspended_machine_does_not_hang_the_loop() -> None:
    """Hours of lateness are recorded as a minute of it: 1200 observations, a few milliseconds of work."""
    loop = _Loop()
    loop.record.tick(late_s=36_000, used_s=0.0, waited_s=0.0, now_s=36_000)
    assert loop.value("asyncio_eventloop_delay_seconds_count") == 1200


def test_a_peak_is_held_for_30_to_60_seconds() -> None:
    """So that a scrape every 15 to 30 s does not miss it, and it does not stay for ever."""
    loop = _Loop()
    held = []
    for now_s, late_s in ((10.0, 0.4), (31.0, 0.0), (59.0, 0.0), (62.0, 0.0)):
        loop.record.tick(late_s=late_s, used_s=0.0, waited_s=0.0, now_s=now_s)
        held.append(loop.record.peak_s)
    assert held == [0.4, 0.4, 0.4, 0.0]


class _Timers:
    """An event loop whose timer is due when the test says so."""

    def __init__(self) -> None:
        self.fire: Callable[[], None] = lambda: None
        self.cancelled_in: list[int] = []
        self._later: list[Callable[[], None]] = []

    def call_later(self, _delay_s: float, callback: Callable[[], None]) -> "_Timers":
        """Set the timer, which is this object, too."""
        self.fire = callback
        return self

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        """Keep what the loop's thread is to do."""
        self._later.append(callback)

    def turn(self) -> None:
        """Do what was asked for from other threads."""
        for callback in self._later:
            callback()

    def cancel(self) -> None:
        """Tell who cancelled the timer."""
        self.cancelled_in.append(threading.get_ident())

    def is_running(self) -> bool:
        """As if it did."""
        return True


def _sampler(timers: _Timers, on_tick: Callable[[], None]) -> LoopSampler:
    return LoopSampler(timers, Signals(CollectorRegistry()).loop, on_tick)  # type: ignore[arg-type]  # as much of a loop as it needs


@pytest.mark.parametrize(
    ("expected", "late_s"),
    [
        pytest.param(1, 0.0, id="in time"),
        pytest.param(1, 0.049, id="late, and the next one is due nevertheless when it was"),
        pytest.param(3, 0.12, id="two were missed"),
    ],
)
def test_ticks_stay_on_their_grid(expected: int, late_s: float) -> None:
    """There is one observation for each 50 ms, however late a tick comes: else a busy loop would have fewer."""
    sampler = _sampler(_Timers(), lambda: None)
    due_s = sampler.due_s
    sampler.tick(due_s + late_s)
    sampler.stop()
    assert expected == pytest.approx((sampler.due_s - due_s) / TICK_S)


def test_with_every_tick_what_was_noted_is_counted() -> None:
    """Requests are counted on the loop's own thread, which noted them."""
    ticks: list[int] = []
    timers = _Timers()
    sampler = _sampler(timers, lambda: ticks.append(threading.get_ident()))
    timers.fire()
    timers.fire()
    sampler.stop()
    assert ticks == [threading.get_ident()] * 2


def test_a_fault_in_one_tick_is_not_the_last_tick(caplog: pytest.LogCaptureFixture) -> None:
    """Else the loop would be unobserved for ever, and be looked at as if it were stuck. A fault that lasts is told once a minute."""
    timers, ticks = _Timers(), 0

    def on_tick() -> None:
        nonlocal ticks
        ticks += 1
        raise OSError

    sampler = _sampler(timers, on_tick)
    for _ in range(3):
        timers.fire()
    sampler.stop()
    assert ticks == 3
    assert sampler.due_s > time.perf_counter()
    assert caplog.messages == ["could not take note of how late the event loop is"]


def test_a_timer_is_cancelled_by_the_thread_of_its_loop() -> None:
    """The timers of uvloop cannot be touched from another one, where an application may end."""
    timers = _Timers()
    sampler = _sampler(timers, lambda: None)
    with ThreadPoolExecutor() as elsewhere:
        elsewhere.submit(sampler.stop).result()
    assert timers.cancelled_in == []
    timers.turn()
    assert timers.cancelled_in == [threading.get_ident()]


def test_a_sampler_of_a_loop_that_is_closed_can_be_stopped() -> None:
    """Where a server runs no lifespan, that is how it ends."""

    async def make() -> LoopSampler:
        return LoopSampler(asyncio.get_running_loop(), Signals(CollectorRegistry()).loop, lambda: None)

    asyncio.run(make()).stop()
