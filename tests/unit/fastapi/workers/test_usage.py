"""CPU time is counted once, and lately is about a quarter of a minute."""

import pytest

from apituner.fastapi.workers.usage import CpuTotal, CpuUsage


def test_cpu_time_counts_from_the_start_of_the_process_and_once() -> None:
    """What an API needs to start is work, too."""
    total = CpuTotal()
    assert [total.uncounted_s(3.5), total.uncounted_s(3.5), total.uncounted_s(4.0)] == pytest.approx([3.5, 0.0, 0.5])


def test_the_process_is_told_from_its_event_loop() -> None:
    """Two cores in all, half a core on the loop: threads do the rest, and a faster loop would not help."""
    usage = CpuUsage()
    assert usage.ratios(10.0, 5.0, 1.0) is None
    assert usage.ratios(12.0, 9.0, 2.0) == pytest.approx((2.0, 0.5))


def test_what_is_longer_ago_than_15_s_is_forgotten() -> None:
    """A process that was busy and is idle now is idle."""
    usage = CpuUsage()
    for now_s, cpu_s in ((0.0, 0.0), (10.0, 10.0), (14.0, 10.0), (25.0, 10.0)):
        ratios = usage.ratios(now_s, cpu_s, cpu_s)
    assert ratios == (0.0, 0.0)
