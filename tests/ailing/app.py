"""
An API in which each route but one has one sickness, and only that.

DRIVER says by which driver it asks its database, DOWNSTREAM where another service answers as late as its path says, in milliseconds.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel

from ailing import orm
from ailing.databases import DRIVERS
from apituner.fastapi import ContractCheck, instrument

DOWNSTREAM = os.environ.get("DOWNSTREAM", "")
THREADS = 2

DRIVER = os.environ.get("DRIVER", "sqlalchemy")
database = DRIVERS[DRIVER]()
patient = httpx.AsyncClient(base_url=DOWNSTREAM, timeout=None)  # noqa: S113 - one of the sicknesses
careful = httpx.AsyncClient(base_url=DOWNSTREAM, timeout=5)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Open the pool; two threads for handlers written with def."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    if DRIVER == "sqlalchemy":
        orm.make_tables()
    await database.start(observed)
    yield
    await database.stop()


app = FastAPI(lifespan=lifespan)
engines = {"main": database.engine, "orm": orm.engine} if DRIVER == "sqlalchemy" else database.engine
observed = instrument(app, engine=engines, contract=ContractCheck(share=1.0))


class Item(BaseModel):
    """One of very many."""

    number: int
    name: str
    tags: list[str]


class Order(BaseModel):
    """What a client is promised."""

    number: int
    items: list[Item] = []


@app.get("/healthy")
async def healthy() -> Any:  # noqa: ANN401 - what the database says
    """One statement, one connection, and no more."""
    async with database.hold() as run:
        return await run("select 1")


@app.get("/hold")
async def hold() -> Any:  # noqa: ANN401 - what the database says
    """Holds a connection for 160 ms, 60 of them in a statement."""
    async with database.hold() as run:
        await asyncio.sleep(0.1)
        return await run("select 1 from pg_sleep(0.06)")


@app.get("/quick")
async def quick() -> int:
    """Nothing but an answer."""
    return 1


@app.get("/blocked")
async def blocked() -> int:
    """A call that blocks, in a coroutine."""
    time.sleep(0.2)  # noqa: ASYNC251 - the sickness
    return 1


@app.get("/threads")
def threads() -> int:
    """Slow work on too few threads."""
    time.sleep(0.1)
    return 1


@app.get("/heavy", response_model=list[Item])
async def heavy() -> list[dict[str, Any]]:
    """Far more than anybody reads."""
    return [{"number": number, "name": f"item {number}", "tags": ["a", "b", "c"]} for number in range(15_000)]


if DRIVER == "sqlalchemy":
    app.include_router(orm.router)
else:

    @app.get("/lazy", response_class=PlainTextResponse)
    async def lazy() -> StreamingResponse:
        """Asks for each row when it writes it: without an ORM that is what lazy loading looks like."""

        async def rows() -> AsyncIterator[str]:
            for _ in range(5):
                async with database.hold() as run:
                    yield f"{await run('select 1')}\n"

        return StreamingResponse(rows(), media_type="text/plain")


@app.get("/many-queries")
async def many_queries() -> int:
    """One statement for the list, and one more for each of its rows."""
    async with database.hold() as run:
        return sum([await run("select 1") for _ in range(12)])


@app.get("/starved")
async def starved() -> Any:  # noqa: ANN401 - what the database says
    """Honest work on too few connections."""
    async with database.hold() as run:
        return await run("select 1 from pg_sleep(0.06)")


@app.get("/long-transaction")
async def long_transaction() -> Any:  # noqa: ANN401 - what the database says
    """Thinks while it holds a connection."""
    async with database.hold() as run:
        await run("select 1")
        await asyncio.sleep(0.15)
        return await run("select 1")


@app.get("/call-in-transaction")
async def call_in_transaction() -> Any:  # noqa: ANN401 - what the database says
    """Asks another service while it holds a connection."""
    async with database.hold() as run:
        await careful.get("/150")
        return await run("select 1")


@app.get("/slow-downstream")
async def slow_downstream() -> int:
    """Waits for another service."""
    return (await careful.get("/300")).status_code


@app.get("/no-timeout")
async def no_timeout() -> int:
    """Would wait for another service for ever."""
    return (await patient.get("/1")).status_code


@app.get("/background")
async def background(tasks: BackgroundTasks) -> int:
    """Leaves work behind."""
    tasks.add_task(asyncio.sleep, 0.12)
    return 1


@app.get("/broken-contract", response_model=Order)
async def broken_contract() -> JSONResponse:
    """Promises a number, and sends a word."""
    return JSONResponse({"number": "seven"})
