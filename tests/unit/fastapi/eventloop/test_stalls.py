"""Who holds the event loop is found while it is held, and charged with the time."""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi.eventloop.lag import LoopSampler
from apituner.fastapi.eventloop.stalls import StallWatch
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.exchange import Exchange
from apituner.fastapi.requests.meter import Meter
from apituner.fastapi.requests.routes import RouteTable
from apituner.fastapi.requests.spans import current

_HELD = "apituning_eventloop_held_seconds_total"


class _Route:
    """A route as the table reads it."""

    def __init__(self, path: str) -> None:
        self.path_regex, self.path_format, self.endpoint = re.compile(path), path, None


class _World:
    """A watched loop; looks are taken when the test says so."""

    def __init__(self) -> None:
        self.signals = Signals(CollectorRegistry())
        self.meter = Meter(self.signals, RouteTable(lambda: [_Route("/invoice")]))
        self.sampler = LoopSampler(asyncio.get_running_loop(), self.signals.loop, lambda: None)
        self.watch = StallWatch(self.sampler, threading.get_ident(), self.signals, frozenset())
        self.sampler.held_by = self.watch

    def look_while_due(self) -> None:
        """Look from another thread, as if the loop were stuck since a second; then let it have come late."""
        due_s = self.sampler.due_s
        thread = threading.Thread(target=self.watch.look, args=(due_s + 1.0,))
        thread.start()
        thread.join()
        self.watch.settle(due_s=due_s, late_s=0.2, used_s=0.01, blocked_s=0.19)

    def held(self) -> dict[tuple[str, str, str], float]:
        """Return the time held, by route, function and state."""
        self.signals.tallies.count()
        return {
            (sample.labels["http_route"], sample.labels["code_function_name"].rpartition(".")[2], sample.labels["state"]): sample.value
            for metric in self.signals.registry.collect()
            for sample in metric.samples
            if sample.name == _HELD
        }

    async def within_a_request(self, handler: Callable[[], Awaitable[None]]) -> None:
        """Run *handler* as that of a request for /invoice."""

        async def nothing(*_: object) -> dict[str, object]:
            return {}

        exchange = Exchange(self.meter, {"type": "http", "method": "GET", "path": "/invoice"}, "/invoice", nothing, nothing)  # type: ignore[arg-type]  # never used
        outer = current.set(exchange)
        await handler()
        current.reset(outer)


async def test_a_blocked_loop_is_charged_to_route_and_function() -> None:
    """The time that the thread neither computed nor waited for a CPU is blocked, the rest is running."""
    world = _World()

    async def invoice() -> None:
        world.look_while_due()

    await world.within_a_request(invoice)
    assert world.held() == pytest.approx({("/invoice", "look_while_due", "blocked"): 0.19, ("/invoice", "look_while_due", "running"): 0.01})


async def test_a_task_that_a_handler_made_is_the_handlers() -> None:
    """Tasks inherit the request: who gathers three of them has not hidden anything."""
    world = _World()

    async def part() -> None:
        world.look_while_due()

    async def invoice() -> None:
        await asyncio.gather(asyncio.create_task(part()))

    await world.within_a_request(invoice)
    assert {route for route, _, _ in world.held()} == {"/invoice"}


async def test_what_holds_the_loop_outside_of_requests_has_no_route() -> None:
    """Such as a task of the application's own, or a callback."""
    world = _World()
    world.look_while_due()
    assert {route for route, _, _ in world.held()} == {""}


async def test_a_loop_in_time_is_not_looked_at() -> None:
    """A look takes the interpreter's lock, so it is taken only when the loop is late."""
    world = _World()
    world.watch.look(world.sampler.due_s + 0.04)
    world.watch.settle(due_s=world.sampler.due_s, late_s=0.2, used_s=0.0, blocked_s=0.2)
    assert world.held() == pytest.approx({("", "", "blocked"): 0.2, ("", "", "running"): 0})


async def test_a_look_at_an_earlier_stall_is_not_charged_with_a_later_one() -> None:
    """Each late tick settles its own looks."""
    world = _World()
    world.watch.look(world.sampler.due_s + 1.0)
    world.watch.settle(due_s=world.sampler.due_s + 5.0, late_s=0.2, used_s=0.0, blocked_s=0.2)
    assert {function for _, function, _ in world.held()} == {""}


async def test_each_place_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The line names route, function, file, line and the code itself, and what to do; its repetition is a number in Prometheus."""
    world = _World()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await world.within_a_request(_looking(world))
            world.watch.report()
    assert len(caplog.messages) == 1
    (line,) = caplog.messages
    assert "the event loop stood still for 190 ms in route /invoice:" in line
    assert f"look_while_due was at {__file__}:" in line
    # It was starting the thread that looks, or waiting for it.
    assert re.search(r"'thread\.(start|join)\(\)'; call it by asyncio.to_thread, or write the route with def$", line)


def _looking(world: _World) -> Callable[[], Awaitable[None]]:
    async def look() -> None:
        world.look_while_due()

    return look


async def test_a_real_block_is_found_by_the_loops_own_tick() -> None:
    """A tick that is due while the loop sleeps comes late, and settles what was seen meanwhile."""
    world = _World()
    looking = threading.Event()

    def watch() -> None:
        while not looking.wait(0.01):
            world.watch.look(time.perf_counter())

    thread = threading.Thread(target=watch)
    thread.start()

    async def invoice() -> None:
        time.sleep(0.25)  # noqa: ASYNC251 - the fault that is found

    await asyncio.sleep(0.06)
    await world.within_a_request(invoice)
    await asyncio.sleep(0.06)
    looking.set()
    thread.join()
    world.sampler.stop()
    held = world.held()
    assert 0.15 <= held["/invoice", "invoice", "blocked"] <= 0.3


def test_a_loop_that_does_not_run_is_not_looked_at() -> None:
    """Its thread does something else by now, or for somebody else: no function of that holds the loop."""

    async def make() -> _World:
        return _World()

    world = asyncio.run(make())
    world.look_while_due()
    assert {function for _, function, _ in world.held()} == {""}
