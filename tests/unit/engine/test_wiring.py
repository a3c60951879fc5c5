"""How the operator's parts are begun and ended."""

import asyncio

from kubernetes.aio import client as library

from apituner.engine.registry import Kind, Registry
from apituner.kube.client import Api
from apituner.settings import Settings
from apituner.wiring import seeded
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
