"""
A small real API that calls others, by each client library and by the client of apituner: ``e2e.calling_api:app``, for any ASGI server.

Every route calls the address that it is given, and answers with what came of it, as it saw that.
"""

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.pool import QueuePool

from apituner.fastapi import http_client, instrument
from apituner.fastapi.calls import hosts

# Its breakers open for 3 s instead of 5: the test waits for that twice.
hosts.OPEN_S = 3.0

# Made before the application is instrumented, as many a module does.
plain = httpx.Client(timeout=5)
engine = create_engine("sqlite://", poolclass=QueuePool, connect_args={"check_same_thread": False})


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Import and make what others do at their start, after instrument()."""
    import aiohttp  # noqa: PLC0415 - that is the case

    async with (
        httpx.AsyncClient(timeout=5) as app.state.httpx,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as app.state.aiohttp,
        http_client() as app.state.safe,
        http_client(timeout=0.3) as app.state.hasty,
    ):
        yield


app = FastAPI(lifespan=lifespan)
instrument(app, engine=engine)


@app.get("/httpx")
async def by_httpx(url: str, limit: float = 5) -> dict[str, Any]:
    """Call by httpx; a limit of 0 is none."""

    async def call() -> int:
        return int((await app.state.httpx.get(url, timeout=limit or None, follow_redirects=True)).status_code)

    return await _told(call)


@app.get("/aiohttp")
async def by_aiohttp(url: str, limit: float = 5) -> dict[str, Any]:
    """Call by aiohttp."""

    async def call() -> int:
        async with app.state.aiohttp.get(url, timeout=sys.modules["aiohttp"].ClientTimeout(total=limit or None)) as response:
            await response.read()
            return int(response.status)

    return await _told(call)


@app.get("/requests")
def by_requests(url: str, limit: float = 5) -> dict[str, Any]:
    """Call by requests, which is imported only now."""
    import requests  # noqa: PLC0415 - that is the case

    since_s = time.perf_counter()
    try:
        came: object = requests.get(url, timeout=limit or None).status_code
    except requests.RequestException as error:
        came = type(error).__name__
    return {"came": came, "seconds": time.perf_counter() - since_s}


@app.get("/holding")
def holding(url: str) -> dict[str, Any]:
    """Call while a connection of the database is held."""
    with engine.connect() as connection:
        connection.execute(text("select 1"))
        return _plain(url)


@app.get("/released")
def released(url: str) -> dict[str, Any]:
    """Call when it is given back."""
    with engine.connect() as connection:
        connection.execute(text("select 1"))
    return _plain(url)


@app.get("/safe")
async def safe(url: str) -> dict[str, Any]:
    """Call by the client of apituner."""

    async def call() -> int:
        return int((await app.state.safe.get(url)).status_code)

    return await _told(call)


@app.get("/hasty")
async def hasty(url: str) -> dict[str, Any]:
    """Call by one that waits for 0.3 s; a method that is not retried."""

    async def call() -> int:
        return int((await app.state.hasty.post(url)).status_code)

    return await _told(call)


@app.get("/readyz")
async def readyz() -> None:
    """Whether it has started."""


def _plain(url: str) -> dict[str, Any]:
    since_s = time.perf_counter()
    came = plain.get(url).status_code
    return {"came": came, "seconds": time.perf_counter() - since_s}


async def _told(call: Callable[[], Awaitable[int]]) -> dict[str, Any]:
    """Tell the status or the name of the error, and what it took."""
    since_s = time.perf_counter()
    came: object
    try:
        came = await call()
    except Exception as error:  # noqa: BLE001 - of three libraries
        came = type(error).__name__
    return {"came": came, "seconds": time.perf_counter() - since_s}
