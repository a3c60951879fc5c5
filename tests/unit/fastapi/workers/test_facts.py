"""What runs here is told once."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop
from prometheus_client import CollectorRegistry

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.workers.facts import state_facts


@pytest.mark.parametrize(
    ("expected", "make"),
    [pytest.param("asyncio", asyncio.new_event_loop, id="asyncio"), pytest.param("uvloop", uvloop.new_event_loop, id="uvloop")],
)
def test_the_kind_of_the_event_loop_is_told(
    expected: str, make: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is written in C is faster, so two workers cannot be compared without knowing; so is how many workers were asked for."""
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    signals, loop = Signals(CollectorRegistry()), make()
    state_facts(signals.worker, loop)
    loop.close()
    (build,) = [metric for metric in signals.registry.collect() if metric.name == "apituning_build_info"]
    assert [(expected, 1)] == [(sample.labels["loop"], sample.value) for sample in build.samples]
    assert signals.registry.get_sample_value("apituning_effective_setting", {"setting": "web_concurrency", "pool": ""}) == 3
