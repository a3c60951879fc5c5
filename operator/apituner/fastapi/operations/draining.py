"""
Unready first, stopped later: SIGTERM waits while the server goes on serving.

A load balancer sends requests to a pod until it has learned that the pod is going, and a server that stops meanwhile refuses them. So the
function that the server set for SIGTERM is called later, on the same thread. Servers that leave SIGTERM to their event loop cannot be made
to wait from here: the loop does not tell what they asked it for.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol

_log = logging.getLogger("apituner.fastapi")

Answer = Callable[[int, FrameType | None], Any]


class Service(Protocol):
    """What serves, and can say that it will not for long."""

    drain_s: float

    @property
    def serving(self) -> bool:
        """Whether requests may be on their way here."""

    def end_service(self) -> None:
        """Say from now on that it will not serve for long. Within a signal handler: set a flag, and no more."""


class Drain:
    """What stands between SIGTERM and the server of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, inherited: Answer) -> None:
        self.loop = loop
        self.inherited = inherited
        """What the server does on SIGTERM."""
        self._services: list[Service] = []
        self._begun = self._over = False

    def join(self, service: Service) -> None:
        """Take notice of *service*; one that comes during the drain is too late to serve for long."""
        self._services.append(service)
        if self._begun:
            service.end_service()

    def terminate(self, number: int, frame: FrameType | None) -> None:
        """Begin to drain; a second signal, and one while nothing serves, goes on to the server at once."""
        serving = [service for service in self._services if service.serving]
        if self._begun or not serving:
            self._over = True
            self.inherited(number, frame)
            return
        self._begun = True
        for service in serving:
            service.end_service()
        longest_s = max(service.drain_s for service in serving)
        try:
            # Not call_later, which does not wake a loop that waits for its sockets.
            self.loop.call_soon_threadsafe(self.loop.call_later, longest_s, self._end)
        except RuntimeError:  # the loop is closed, and nothing serves
            self._end()

    def leave(self, service: Service) -> None:
        """Take no more notice of *service*; with the last one, give SIGTERM back to the server."""
        if service in self._services:
            self._services.remove(service)
        if not self._services:
            self._over = True
            # Another may have set itself before us meanwhile, and would be lost.
            if signal.getsignal(signal.SIGTERM) == self.terminate:
                signal.signal(signal.SIGTERM, self.inherited)

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self.inherited(signal.SIGTERM, None)


def drain(service: Service) -> Drain | None:
    """
    Let SIGTERM wait for *service*, on the running event loop; None where it cannot be.

    Two services on one loop (an app and one mounted in it) drain together, for as long as the longer.
    """
    if threading.current_thread() is not threading.main_thread():
        return None  # signals come to the main thread alone, and so does the end
    loop = asyncio.get_running_loop()
    inherited = signal.getsignal(signal.SIGTERM)
    while isinstance(before := getattr(inherited, "__self__", None), Drain):
        if before.loop is loop:
            before.join(service)
            return before
        inherited = before.inherited  # of a loop that is gone
    if not callable(inherited) or _is_the_loops_own(inherited, loop):
        _log.warning(
            "on SIGTERM this server stops at once, before /readyz could turn 503: give the pod a preStop sleep, and Probes drain_s=0"
        )
        return None
    made = Drain(loop, inherited)
    made.join(service)
    signal.signal(signal.SIGTERM, made.terminate)
    return made


def _is_the_loops_own(inherited: object, loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the server asked its event loop for the signal (``add_signal_handler``): what is set is then a mere placeholder."""
    return getattr(inherited, "__self__", None) is loop or getattr(inherited, "__module__", "") == "asyncio.unix_events"
