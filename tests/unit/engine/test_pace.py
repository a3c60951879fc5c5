"""One sweep after the other, whatever becomes of each, until told to stop."""

import asyncio
from datetime import datetime

import pytest

from apituner.engine.pace import keep_pace
from apituner.engine.sweep import Tally

_FINE = Tally(objects=1, decisions={}, faults=0)


class _Sweeps:
    """Counts sweeps and what was heard of them; stops after *last*."""

    def __init__(self, last: int, raising: frozenset[int] = frozenset()) -> None:
        self.stop = asyncio.Event()
        self.heard: list[Tally | None] = []
        self.begun = 0
        self._last, self._raising = last, raising

    async def sweep(self, now: datetime) -> Tally:
        assert now.tzinfo is not None
        self.begun += 1
        if self.begun in self._raising:
            raise RuntimeError("bug")
        return _FINE

    def swept(self, tally: Tally | None, took_s: float) -> None:
        assert took_s >= 0
        self.heard.append(tally)
        if len(self.heard) == self._last:
            self.stop.set()


async def test_a_failing_sweep_does_not_end_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, heard of as None, and the next one follows."""
    sweeps = _Sweeps(last=4, raising=frozenset({1, 3}))

    await keep_pace(sweeps.sweep, sweeps.swept, interval_s=0.001, stop=sweeps.stop)

    assert sweeps.heard == [None, _FINE, None, _FINE]
    assert len([one for one in caplog.records if one.exc_info]) == 2


async def test_a_stop_does_not_wait_for_the_interval() -> None:
    """An hour to the next sweep, and the loop ends at once."""
    sweeps = _Sweeps(last=1)

    async with asyncio.timeout(1):
        await keep_pace(sweeps.sweep, sweeps.swept, interval_s=3600, stop=sweeps.stop)

    assert sweeps.begun == 1


async def test_a_stop_during_a_sweep_lets_it_end() -> None:
    """Its writes are finished and counted; no other one is begun."""
    heard, stop = [], asyncio.Event()

    async def sweep(_now: datetime) -> Tally:
        stop.set()
        await asyncio.sleep(0)
        return _FINE

    await keep_pace(sweep, lambda tally, _: heard.append(tally), interval_s=3600, stop=stop)

    assert heard == [_FINE]


async def test_a_stop_before_the_first_sweep_sweeps_nothing() -> None:
    """A pod that is told to go at once leaves nothing behind."""
    sweeps = _Sweeps(last=1)
    sweeps.stop.set()

    await keep_pace(sweeps.sweep, sweeps.swept, interval_s=3600, stop=sweeps.stop)

    assert sweeps.begun == 0


async def test_a_sweep_that_takes_longer_than_the_interval_is_never_overtaken() -> None:
    """Two at once could write one Deployment twice."""
    running, most, heard, stop = 0, 0, 0, asyncio.Event()

    async def sweep(_now: datetime) -> Tally:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002)
        running -= 1
        return _FINE

    def swept(_tally: Tally | None, _took_s: float) -> None:
        nonlocal heard
        heard += 1
        if heard == 3:
            stop.set()

    await keep_pace(sweep, swept, interval_s=0, stop=stop)

    assert (most, heard) == (1, 3)


async def test_a_cancelled_loop_ends() -> None:
    """A cancellation is no bug to be logged and survived."""
    began = asyncio.Event()

    async def sweep(_now: datetime) -> Tally:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    pacing = asyncio.create_task(keep_pace(sweep, lambda *_: None, interval_s=1, stop=asyncio.Event()))
    await began.wait()
    pacing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await pacing
