"""A handler that waits for a thread is told from one that has one."""

import anyio
import pytest
from anyio import to_thread
from prometheus_client import CollectorRegistry

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.exchange import Exchange
from apituner.fastapi.requests.meter import Meter
from apituner.fastapi.requests.routes import RouteTable
from apituner.fastapi.requests.spans import THREAD, current
from apituner.fastapi.workers.threads import ThreadWatch, publish_threads


async def _nothing(*_: object) -> None:
    """Do nothing."""


async def test_a_wait_for_a_thread_is_the_requests() -> None:
    """One thread, two handlers: the second waits as long as the first works, and the gauges show it meanwhile."""
    signals = Signals(CollectorRegistry())
    limiter = to_thread.current_default_thread_limiter()
    limiter.total_tokens = 1
    watch = ThreadWatch()
    meter = Meter(signals, RouteTable(list))
    exchange = Exchange(meter, {"type": "http", "method": "GET"}, "/", _nothing, _nothing)  # type: ignore[arg-type]  # never used
    held = anyio.Event()

    async def handler() -> None:
        outer = current.set(exchange)
        await to_thread.run_sync(lambda: None)
        current.reset(outer)

    async with anyio.create_task_group() as tasks:
        await limiter.acquire_on_behalf_of(held)
        tasks.start_soon(handler)
        await anyio.wait_all_tasks_blocked()
        publish_threads([watch], signals.worker)
        limiter.release_on_behalf_of(held)
    value = signals.registry.get_sample_value
    assert [value("apituning_threadpool_tokens", {"state": state}) for state in ("total", "borrowed")] == [1, 1]
    assert value("apituning_threadpool_waiting") == 1
    assert value("apituning_effective_setting", {"setting": "threadpool_tokens", "pool": ""}) == 1
    assert [kind for kind, since_s, until_s in exchange.spans if until_s > since_s] == [THREAD]


async def test_a_free_thread_is_no_wait() -> None:
    """Nothing is noted, for most requests of an application with threads to spare."""
    ThreadWatch()
    meter = Meter(Signals(CollectorRegistry()), RouteTable(list))
    exchange = Exchange(meter, {"type": "http", "method": "GET"}, "/", _nothing, _nothing)  # type: ignore[arg-type]  # never used
    outer = current.set(exchange)
    assert await to_thread.run_sync(lambda: 7) == 7
    current.reset(outer)
    assert not exchange.spans


async def test_a_limiter_is_watched_once() -> None:
    """An app that is started again on the same loop does not count twice."""
    classes = []
    for _ in range(2):
        ThreadWatch()
        classes.append(type(to_thread.current_default_thread_limiter()))
    assert classes[0] is classes[1]
    with pytest.raises(TypeError):
        to_thread.current_default_thread_limiter().total_tokens = "many"  # type: ignore[assignment]  # still anyio's own limiter
