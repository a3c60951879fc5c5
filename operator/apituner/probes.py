"""/healthz, /readyz and /metrics, on the operator's own event loop: a loop that hangs is not alive."""

import asyncio
from contextlib import AbstractAsyncContextManager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from apituner.telemetry import Telemetry

# Of the 5 s that a stop may take; for a scraper that does not read its answer the library would wait a minute.
_STOP_S = 0.5


class Probes(AbstractAsyncContextManager[None]):
    """Served while the context is entered."""

    def __init__(self, telemetry: Telemetry, *, host: str, port: int) -> None:
        self._telemetry = telemetry
        self._host, self._port = host, port
        app = web.Application()
        app.add_routes([web.get("/healthz", self._health), web.get("/readyz", self._readiness), web.get("/metrics", self._metrics)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_S)

    async def __aenter__(self) -> None:
        """Start to listen. Raises OSError where the address is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def __aexit__(self, *_: object) -> None:
        """Stop to listen."""
        await self._runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        alive = self._telemetry.alive(asyncio.get_running_loop().time())
        return web.Response(text="ok\n" if alive else "no sweep has ended lately\n", status=200 if alive else 503)

    async def _readiness(self, _request: web.Request) -> web.Response:
        ready = self._telemetry.ready
        return web.Response(text="ok\n" if ready else "the first sweep has not ended yet\n", status=200 if ready else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._telemetry.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
