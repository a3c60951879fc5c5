"""
A bounded number of threads for calls that may hang.

A thread cannot be killed, and an executor's threads keep the process from ending. So these are daemons, each for one call; one that misses
its deadline is abandoned and counted, and while too many have not come back no further one is started.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class LanesFullError(Exception):
    """Every lane is taken by a call that has not come back."""


class Lanes:
    """At most *most* calls at once, abandoned ones included. For one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.busy = 0
        self.abandoned = 0
        """Calls that missed their deadline and have still not come back."""

    async def run(self, call: Callable[[], Result], *, deadline_s: float) -> Result:
        """Run *call* in a thread; `TimeoutError` when it is not back in time, though its thread may live on."""
        if self.busy >= self._most:
            raise LanesFullError
        loop = asyncio.get_running_loop()
        back: asyncio.Future[Result] = loop.create_future()
        self.busy += 1

        def settle(result: Callable[[], None]) -> None:
            self.busy -= 1
            if back.done():
                self.abandoned -= 1
            else:
                result()

        def body() -> None:
            result: Callable[[], None]
            try:
                value = call()
            except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
                failure = error
                result = lambda: back.set_exception(failure)  # noqa: E731 - the two ways to come back stand side by side
            else:
                result = lambda: back.set_result(value)  # noqa: E731 - likewise
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
                loop.call_soon_threadsafe(settle, result)

        threading.Thread(target=body, name="prometheus-query", daemon=True).start()
        try:
            return await asyncio.wait_for(back, deadline_s)
        except (TimeoutError, asyncio.CancelledError):
            if back.cancelled():
                self.abandoned += 1
            raise
