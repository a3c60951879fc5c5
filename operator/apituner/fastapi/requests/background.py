"""
What a request leaves behind: background tasks, which run on the same workers after the response.

Starlette has no hook there, so the method that runs a task is wrapped, once in a process.
"""

import sys
import time
from collections.abc import Awaitable, Callable
from functools import cache, wraps
from typing import Any

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.spans import current


@cache
def watch_background_tasks(signals: Signals) -> None:
    """Begin to time background tasks, and charge them to the route that left them."""
    background: Any = sys.modules["starlette.background"]
    background.BackgroundTask.__call__ = _timed(background.BackgroundTask.__call__, signals)


def _timed(run: Callable[[Any], Awaitable[None]], signals: Signals) -> Callable[[Any], Awaitable[None]]:
    @wraps(run)
    async def timed_run(task: Any) -> None:  # noqa: ANN401 - as Starlette's
        exchange = current.get()
        if exchange is None or not exchange.finished:
            return await run(task)
        since_s = time.perf_counter()
        try:
            return await run(task)
        finally:
            route = exchange.route
            signals.routes.background_tasks.of(route).add(1)
            signals.routes.background_s.of(route).add(time.perf_counter() - since_s)

    return timed_run
