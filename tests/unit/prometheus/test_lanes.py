"""Threads that may hang: bounded, abandoned at the deadline, counted, and forgiven when they come back."""

import asyncio
import threading

import pytest

from apituner.prometheus.lanes import Lanes, LanesFullError


async def test_what_comes_back_in_time() -> None:
    """A value is returned, an exception raised, and the lane is free again."""
    lanes = Lanes(1)

    def fail() -> None:
        raise LookupError("of the call")

    assert await lanes.run(lambda: 7, deadline_s=5) == 7
    with pytest.raises(LookupError, match="of the call"):
        await lanes.run(fail, deadline_s=5)
    assert (lanes.busy, lanes.abandoned) == (0, 0)


async def test_what_hangs() -> None:
    """A call past its deadline keeps its lane until it is back; no further one starts while all lanes hang."""
    lanes, gate = Lanes(1), threading.Event()
    threads: list[threading.Thread] = []

    def hang() -> None:
        threads.append(threading.current_thread())
        gate.wait()

    with pytest.raises(TimeoutError):
        await lanes.run(hang, deadline_s=0.01)
    assert (lanes.busy, lanes.abandoned) == (1, 1)
    with pytest.raises(LanesFullError):
        await lanes.run(lambda: 7, deadline_s=5)

    gate.set()
    threads[0].join(5)
    await asyncio.sleep(0)
    assert (lanes.busy, lanes.abandoned) == (0, 0)
    assert await lanes.run(lambda: 7, deadline_s=5) == 7
