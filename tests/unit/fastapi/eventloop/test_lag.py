"""A late tick says how late a request would have been, and whether the loop was busy or stood still."""

import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi.eventloop.lag import LoopRecord, blocked_s
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
