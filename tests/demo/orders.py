"""
The orders API: FastAPI, SQLAlchemy, asyncpg and PostgreSQL, observable, and with nothing to tune but what the environment says.

A pool of N connections serves N / 0.033 s = 30 N requests a second; RELEASE=2 is a bad release, in which one route blocks the event loop.
"""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Request
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine

from apituner.fastapi import instrument, pool_settings

_ORDERS = 1000

# How long the database takes for an order, and with it how long a connection is held: an index away from being fast, as in life.
_QUERY_S = 0.03

# What the bad release does in a coroutine, as a call of a synchronous client would: nothing else happens meanwhile.
_BLOCKING_S = 0.2 if os.environ.get("RELEASE") == "2" else 0.0

# Any number that no other application on the database takes.
_SCHEMA_LOCK = 7_205_301

engine = create_async_engine(
    os.environ["DATABASE_URL"],
    connect_args={"server_settings": {"application_name": "orders"}},
    **pool_settings(),
)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Make the table unless it is there; pods that start together take turns."""
    async with engine.begin() as connection:
        await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
        await connection.execute(text("create table if not exists orders (id int primary key, item text not null, quantity int not null)"))
        await connection.execute(
            text(
                "insert into orders select id, 'item ' || id, 1 + id % 7 from generate_series(1, :orders) as id "
                "where not exists (select from orders)"
            ),
            {"orders": _ORDERS},
        )
    yield
    await engine.dispose()


app = FastAPI(title="orders", lifespan=lifespan)
instrument(app, engine=engine)


@app.get("/orders/{order_id}")
async def order(order_id: Annotated[int, Path(ge=1)]) -> dict[str, Any]:
    """One order: one transaction that holds a connection for about 33 ms."""
    return await _order(order_id, _QUERY_S)


@app.get("/orders/{order_id}/invoice")
async def invoice(order_id: Annotated[int, Path(ge=1)]) -> dict[str, Any]:
    """Its invoice: a quick read, and in the bad release a call that blocks the event loop."""
    bill = await _order(order_id, 0.0)
    time.sleep(_BLOCKING_S)  # noqa: ASYNC251 - this is the mistake that the story is about
    return bill | {"total_cents": bill["quantity"] * 1999}


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the process is alive."""
    return {"status": "alive"}


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    """Whether it has started. It takes no connection: a starved pool would else take pod after pod out of service."""
    return {"status": "ready"}


@app.exception_handler(PoolTimeoutError)
async def overloaded(_request: Request, _error: Exception) -> JSONResponse:
    """Turn a request away that found no connection in time, so that the queue stays as long as DB_POOL_TIMEOUT and not longer."""
    return JSONResponse({"detail": "overloaded, try again"}, status_code=503, headers={"Retry-After": "1"})


async def _order(order_id: int, query_s: float) -> dict[str, Any]:
    async with engine.connect() as connection:
        result = await connection.execute(
            text("select id, item, quantity, pg_sleep(:query_s) from orders where id = :id"), {"id": order_id, "query_s": query_s}
        )
        row = result.one_or_none()
    if row is None:
        raise HTTPException(404, f"there is no order {order_id}")
    return {"id": row.id, "item": row.item, "quantity": row.quantity}
