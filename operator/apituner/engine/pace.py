"""One sweep after the other, at a steady pace, until told to stop."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apituner.engine.sweep import Tally

_log = logging.getLogger("apituner.pace")


async def keep_pace(
    sweep: Callable[[datetime], Awaitable[Tally]],
    swept: Callable[[Tally | None, float], None],
    *,
    interval_s: float,
    stop: asyncio.Event,
) -> None:
    """
    Run *sweep* every *interval_s* until *stop*; *swept* hears of each, with None for one that failed, and how many seconds it took.

    A sweep is never begun before the last has ended, and one that takes longer than the interval is followed by the next at once.
    A stop lets the sweep under way finish its writes.
    """
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        began = clock()
        tally = None
        try:
            tally = await sweep(datetime.now(UTC))
        except Exception:  # noqa: BLE001 - a bug in one sweep must not end all later ones
            _log.exception("sweep failed")
        took_s = clock() - began
        swept(tally, took_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(0.0, interval_s - took_s))
