"""
How late the event loop is, and why: it was busy, or it stood still.

A timer is due every 50 ms; how late it comes is how late a request would be that arrives at that instant. A latency histogram inside of the
API cannot see that delay, since its clock starts only when the loop gets to the request.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from apituner.fastapi.eventloop.clocks import RunqueueClock
from apituner.fastapi.measures.loop_signals import LoopSignals
from apituner.fastapi.seldom import Seldom

_log = logging.getLogger("apituner.fastapi")

# Every 20 ms cost .86 % of a core, every 50 ms .44 % (measured): and a blocking call shorter than that does no objective harm.
TICK_S = 0.05

# Below this a late tick may be the machine's: with 6 hogs on 2 cores 99 % of the ticks were less than 44 ms late (measured; the worst came
# 76 ms late, which waiting for a CPU explains). A blocking call worth a finding lasts longer.
BLOCKED_BEYOND_S = 0.05

# A gauge that Prometheus reads every 15 to 30 s must hold its peaks for longer than that.
_PEAK_WINDOW_S = 30.0

# After a suspended machine the lateness can be hours: a minute of it says as much.
_MOST_OBSERVATIONS = int(60 / TICK_S)


class LoopRecord:
    """What was seen of the event loop so far."""

    def __init__(self, signals: LoopSignals, *, now_s: float) -> None:
        self._delay = signals.delay.of()
        self._cpu, self._runqueue, self._blocked = signals.cpu.of(), signals.runqueue_wait.of(), signals.blocked.of()
        self._peak_s = self._peak_before_s = 0.0
        self._peak_until_s = now_s + _PEAK_WINDOW_S
        self.cpu_s = 0.0
        """CPU time of the loop's thread so far."""

    def tick(self, *, late_s: float, used_s: float, waited_s: float, now_s: float) -> float:
        """
        Record one tick that came *late_s* late, since the last of which the thread used *used_s* of CPU and waited *waited_s* for one.

        A block of 200 ms swallows four ticks: each missed one is recorded with the delay that it would have had (coordinated omission).
        Returns for how long the loop was blocked.
        """
        for missed in range(min(_MOST_OBSERVATIONS, 1 + int(late_s / TICK_S))):
            self._delay.observe(late_s - missed * TICK_S)
        self._cpu.add(used_s)
        self.cpu_s += used_s
        self._runqueue.add(waited_s)
        stood_s = blocked_s(late_s=late_s, used_s=used_s, waited_s=waited_s) if late_s > BLOCKED_BEYOND_S else 0.0
        self._blocked.add(stood_s)
        if now_s >= self._peak_until_s:
            self._peak_before_s, self._peak_s, self._peak_until_s = self._peak_s, 0.0, now_s + _PEAK_WINDOW_S
        self._peak_s = max(self._peak_s, late_s)
        return stood_s

    @property
    def peak_s(self) -> float:
        """The largest delay of the last 30 to 60 s."""
        return max(self._peak_s, self._peak_before_s)


class Held(Protocol):
    """Who wants to know of every tick that came too late."""

    def settle(self, *, due_s: float, late_s: float, used_s: float, blocked_s: float) -> None:
        """Take note: the tick that was due at *due_s* came *late_s* late, for *used_s* of CPU time or for a block of *blocked_s*."""


class LoopSampler:
    """Watches one event loop from within, from its making on; it must be made on the loop's own thread."""

    held_by: Held | None = None
    """Who is told of a tick that came too late."""

    def __init__(self, loop: asyncio.AbstractEventLoop, signals: LoopSignals, on_tick: Callable[[], None]) -> None:
        self.loop = loop
        self._on_tick = on_tick
        now_s = time.perf_counter()
        self.due_s = now_s + TICK_S
        """When the next tick is due, by ``time.perf_counter``; long past where the loop is stuck."""
        self.record = LoopRecord(signals, now_s=now_s)
        self._runqueue = RunqueueClock()
        self._cpu_s = time.thread_time()
        self._queued_s = self._runqueue.read_s()
        self._thread_id = threading.get_ident()
        self._seldom = Seldom(every_s=60.0)
        self._timer = loop.call_later(TICK_S, self._tick)

    def stop(self) -> None:
        """End the watch. From any thread: the loop may run in another one, and then its timer is that one's."""
        if self.loop.is_running() and threading.get_ident() != self._thread_id:
            with suppress(RuntimeError):  # it has been closed meanwhile
                self.loop.call_soon_threadsafe(self._end)
                return
        self._end()

    def tick(self, now_s: float) -> None:
        """Take note of how late the loop is, at *now_s* by ``time.perf_counter``."""
        due_s = self.due_s
        late_s = max(0.0, now_s - due_s)
        # On the grid of 50 ms, so that there is one observation for each: from now on, a late tick would make the next one later, too.
        self.due_s = due_s + TICK_S * (1 + int(late_s / TICK_S))
        cpu_s, queued_s = time.thread_time(), self._runqueue.read_s()
        used_s = max(0.0, cpu_s - self._cpu_s)
        waited_s = 0.0 if queued_s is None or self._queued_s is None else max(0.0, queued_s - self._queued_s)
        self._cpu_s, self._queued_s = cpu_s, queued_s
        stood_s = self.record.tick(late_s=late_s, used_s=used_s, waited_s=waited_s, now_s=now_s)
        if late_s > BLOCKED_BEYOND_S and self.held_by is not None:
            self.held_by.settle(due_s=due_s, late_s=late_s, used_s=used_s, blocked_s=stood_s)
        self._on_tick()

    def _tick(self) -> None:
        # perf_counter and not loop.time(): uvloop's clock is cached and has a resolution of 1 ms.
        try:
            self.tick(time.perf_counter())
        except Exception:  # noqa: BLE001 - a fault in one tick must not be the last one's
            if self._seldom.due("", time.perf_counter()):
                _log.exception("could not take note of how late the event loop is")
        self._timer = self.loop.call_later(max(0.0, self.due_s - time.perf_counter()), self._tick)

    def _end(self) -> None:
        self._timer.cancel()
        self._runqueue.close()


def blocked_s(*, late_s: float, used_s: float, waited_s: float) -> float:
    """
    How much of a tick's lateness is neither CPU time nor waiting for a CPU, in seconds: what is left is a call that blocks the loop.

    It is a lower bound: where in its 50 ms a tick finds the block is chance, so a block of 200 ms counts as 150 to 200 ms.

    A loop that is saturated (measured: its thread uses 97 % of a core) or throttled is late too, but more workers or CPU cure that.
    Threads that hold the interpreter's lock also show up here, with the process's CPU at about one core: the reader must look at both.
    """
    return max(0.0, late_s - used_s - waited_s)
