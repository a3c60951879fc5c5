"""The same API bare, with our instrumentation, and with prometheus-fastapi-instrumentator; VARIANT says which."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10, max_overflow=0)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Close the connections at the end."""
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/hello")
async def hello() -> dict[str, str]:
    """Do as little as an API can."""
    return {"hello": "world"}


@app.get("/query")
async def query() -> dict[str, int]:
    """Ask the database one thing."""
    async with engine.connect() as connection:
        return {"one": (await connection.execute(text("select 1"))).scalar_one()}


match os.environ["VARIANT"]:
    case "apituner":
        from apituner.fastapi import AccessLog, ApplicationLog, ContractCheck, Probes, RequestIds, instrument

        # Everything on: what is off by default costs nothing.
        instrument(
            app,
            engine=engine,
            trust_request_start=True,
            request_ids=RequestIds(),
            access_log=AccessLog(),
            application_log=ApplicationLog(),
            probes=Probes(drain_s=0),
            contract=ContractCheck(),
        )
    case "apituner, metrics alone":
        from apituner.fastapi import instrument

        instrument(app, engine=engine)
    case "instrumentator":
        from prometheus_fastapi_instrumentator import Instrumentator

        Instrumentator().instrument(app).expose(app)
