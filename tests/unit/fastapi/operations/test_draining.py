"""SIGTERM makes unready at once and stops later; whatever cannot wait is passed on at once."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from apituner.fastapi.operations.draining import Drain, drain


class _Service:
    """Something that serves."""

    def __init__(self, *, drain_s: float = 5.0, serving: bool = True) -> None:
        self.drain_s = drain_s
        self.serving = serving

    def end_service(self) -> None:
        self.serving = False


class _Server:
    """What a server does on SIGTERM: it notes that it was told."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.stopped = asyncio.Event()

    def stop(self, number: int, _frame: FrameType | None) -> None:
        self.told.append(number)
        self.stopped.set()


class _Loop:
    """An event loop whose time goes on only when it is told to."""

    closed = False

    def __init__(self) -> None:
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def call_soon_threadsafe(self, callback: Callable[..., object], *arguments: object) -> None:
        if self.closed:
            raise RuntimeError("Event loop is closed")
        callback(*arguments)

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> None:
        self.timers.append((delay_s, callback))


class _World:
    """A server, a loop, and what stands between."""

    def __init__(self, *services: _Service) -> None:
        self.loop = _Loop()
        self.server = _Server()
        loop: Any = self.loop
        self.drain = Drain(loop, self.server.stop)
        for service in services:
            self.drain.join(service)

    def terminate(self) -> None:
        self.drain.terminate(signal.SIGTERM, None)

    def pass_time(self) -> None:
        for _, callback in self.loop.timers:
            callback()


def test_the_server_is_told_when_the_drain_is_over() -> None:
    """Unready at once, stopped after the time, and told once."""
    service = _Service(drain_s=5)
    world = _World(service)
    world.terminate()
    assert (service.serving, world.server.told) == (False, [])
    assert [delay_s for delay_s, _ in world.loop.timers] == [5]
    world.pass_time()
    assert world.server.told == [signal.SIGTERM]


def test_a_second_signal_ends_at_once() -> None:
    """Who asks twice means it; the end of the drain adds nothing."""
    world = _World(_Service())
    world.terminate()
    world.terminate()
    assert world.server.told == [signal.SIGTERM]
    world.pass_time()
    assert world.server.told == [signal.SIGTERM]


def test_before_the_start_is_over_there_is_nothing_to_wait_for() -> None:
    """Nobody was sent there yet."""
    world = _World(_Service(serving=False))
    world.terminate()
    assert (world.server.told, world.loop.timers) == ([signal.SIGTERM], [])


def test_a_loop_that_is_gone_serves_nobody() -> None:
    """The signal is passed on at once rather than lost."""
    world = _World(_Service())
    world.loop.closed = True
    world.terminate()
    assert world.server.told == [signal.SIGTERM]


def test_two_services_drain_together_for_as_long_as_the_longer() -> None:
    """An app and one that is mounted in it."""
    one, two = _Service(drain_s=3), _Service(drain_s=7)
    world = _World(one, two)
    world.terminate()
    assert [delay_s for delay_s, _ in world.loop.timers] == [7]
    assert not one.serving
    assert not two.serving


def test_who_comes_during_the_drain_is_unready_at_once() -> None:
    """A mounted app is seen only when it is asked for the first time."""
    world, late = _World(_Service()), _Service()
    world.terminate()
    world.drain.join(late)
    assert not late.serving


@pytest.fixture(autouse=True)
def server() -> Iterator[_Server]:
    """A server that has set its function for SIGTERM; afterwards all is as before."""
    before = signal.getsignal(signal.SIGTERM)
    made = _Server()
    signal.signal(signal.SIGTERM, made.stop)
    yield made
    signal.signal(signal.SIGTERM, before)


async def test_it_stands_between_the_signal_and_the_server(server: _Server) -> None:
    """A real signal, a real loop, and the server's function is back when the service has ended."""
    service = _Service(drain_s=0.001)
    drained = drain(service)
    assert drained
    signal.raise_signal(signal.SIGTERM)
    assert (service.serving, server.told) == (False, [])
    await asyncio.wait_for(server.stopped.wait(), 5)
    drained.leave(service)
    assert signal.getsignal(signal.SIGTERM) == server.stop
    signal.raise_signal(signal.SIGTERM)
    assert server.told == [signal.SIGTERM] * 2


async def test_a_service_that_has_left_is_not_waited_for(server: _Server) -> None:
    """The lifespan ended during the drain: the server knows that it stops."""
    service = _Service(drain_s=0)
    drained = drain(service)
    assert drained
    signal.raise_signal(signal.SIGTERM)
    drained.leave(service)
    await asyncio.sleep(0.002)
    assert server.told == []


async def test_two_apps_on_one_loop_share_it() -> None:
    """Or each would wait for the other's wait."""
    assert drain(_Service()) is drain(_Service())


def test_what_an_earlier_loop_left_is_replaced(server: _Server) -> None:
    """A process may run one server after the other."""

    async def begin() -> Drain | None:
        return drain(_Service())

    first, second = asyncio.run(begin()), asyncio.run(begin())
    assert first is not second
    assert second
    assert second.inherited == server.stop


async def test_whoever_set_himself_before_us_is_left_alone() -> None:
    """An application may wrap what it found, as we did."""
    service = _Service()
    drained = drain(service)
    assert drained

    def of_the_app(_number: int, _frame: FrameType | None) -> None:
        """Do what the app does."""

    signal.signal(signal.SIGTERM, of_the_app)
    drained.leave(service)
    assert signal.getsignal(signal.SIGTERM) is of_the_app


@pytest.mark.parametrize("asks_the_loop", [pytest.param(True, id="by the event loop"), pytest.param(False, id="by no function at all")])
async def test_a_server_that_cannot_be_made_to_wait_is_reported(caplog: pytest.LogCaptureFixture, *, asks_the_loop: bool) -> None:
    """It goes on as it would, and the log says what to do instead."""
    if asks_the_loop:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    before = signal.getsignal(signal.SIGTERM)
    assert drain(_Service()) is None
    assert signal.getsignal(signal.SIGTERM) == before
    assert "give the pod a preStop sleep, and Probes drain_s=0" in caplog.text
    if asks_the_loop:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


def test_beside_the_main_thread_nothing_is_done(server: _Server, caplog: pytest.LogCaptureFixture) -> None:
    """Signals come to the main thread alone: a test client's app, or a server in a thread, is stopped by other means."""
    found: list[Drain | None] = []

    async def begin() -> None:
        found.append(drain(_Service()))

    thread = threading.Thread(target=lambda: asyncio.run(begin()))
    thread.start()
    thread.join()
    assert found == [None]
    assert signal.getsignal(signal.SIGTERM) == server.stop
    assert not caplog.text
