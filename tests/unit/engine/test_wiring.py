"""How the operator's parts are begun and ended."""

import asyncio
import threading

import kopf
import pytest
from kubernetes.aio import client as library

from apituner.engine.registry import Kind, Registry
from apituner.handlers import Watch
from apituner.kube.client import Api
from apituner.listing import seeded
from apituner.settings import Settings
from misbehaving import hangs, serving

SETTINGS = Settings(prometheus_url="http://prometheus:9090")


async def test_a_stop_does_not_wait_for_an_api_server_that_hangs() -> None:
    """Told to stop before the first list is answered, the start is given up at once, with nothing to sweep over."""
    registry, stop = Registry(), asyncio.Event()
    with serving(hangs) as server:
        async with Api(library.Configuration(host=f"http://127.0.0.1:{server.server_address[1]}"), version="1") as api:
            asyncio.get_running_loop().call_later(0.05, stop.set)
            async with asyncio.timeout(2):
                assert not await seeded(api, registry, SETTINGS, stop)

    assert registry.all(Kind.TUNING) == ()


@pytest.mark.parametrize("fault", [pytest.param(RuntimeError("bug"), id="by a fault"), pytest.param(None, id="without a word")])
async def test_a_watch_that_ends_unasked_is_told_and_said(
    fault: Exception | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A thread of kopf that still waits to be told to stop does not keep the loss from being heard of."""

    async def ends(*, stop_flag: threading.Event, **_: object) -> None:
        asyncio.get_running_loop().run_in_executor(None, stop_flag.wait)
        await asyncio.sleep(0)
        if fault is not None:
            raise fault

    monkeypatch.setattr(kopf, "operator", ends)
    lost = asyncio.Event()

    watch = Watch(Registry(), SETTINGS, lost.set)
    watch.start()
    async with asyncio.timeout(2):
        await lost.wait()
    await watch.stop(1)

    assert "the watch is lost: the operator ends, to be started anew" in caplog.text
