"""Collections are timed by their generation."""

import gc

from prometheus_client import CollectorRegistry

from apituner.fastapi.eventloop.pauses import PauseClock
from apituner.fastapi.measures.signals import Signals


def test_a_collection_is_a_pause_of_its_generation() -> None:
    """Only while the clock runs, and once however often it is started."""
    signals = Signals(CollectorRegistry())
    clock = PauseClock(signals.loop)
    clock.start()
    clock.start()
    gc.disable()
    gc.collect(2)
    gc.enable()
    clock.stop()
    clock.stop()
    gc.collect(2)
    signals.tallies.count()
    assert signals.registry.get_sample_value("cpython_gc_pause_seconds_count", {"generation": "2"}) == 1
    assert (signals.registry.get_sample_value("cpython_gc_pause_seconds_sum", {"generation": "2"}) or 0) > 0
