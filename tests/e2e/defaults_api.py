"""An API with its operational defaults on, and a mistake in one of its responses; what its database does stands in a file."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from apituner.fastapi import ContractCheck, Probes, instrument

_SECRET = os.environ["SECRET"]
_STATE = Path(os.environ["DATABASE_STATE"])


class Line(BaseModel):
    """What was ordered."""

    sku: str
    quantity: int


class Order(BaseModel):
    """An order and its lines."""

    id: int
    lines: list[Line]


async def database() -> None:
    """Be as the file says: well, broken, or silent."""
    state = _STATE.read_text("ascii")  # noqa: ASYNC240 - a few bytes in memory
    if state == "broken":
        raise ConnectionError(f"password of {_SECRET} refused")
    if state == "silent":
        await asyncio.Event().wait()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Take as long to start as it is told."""
    _STATE.with_suffix(".started").touch()
    await asyncio.sleep(float(os.environ.get("START_S", "0")))
    yield


app = FastAPI(lifespan=lifespan)
instrument(
    app,
    probes=Probes(ready={"database": database}, time_limit_s=0.3, drain_s=float(os.environ.get("DRAIN_S", "0"))),
    contract=ContractCheck(share=1.0),
)


@app.get("/orders/{order_id}")
async def order(order_id: Annotated[int, PathParameter(ge=1)]) -> Order:
    """An order as it should be: FastAPI itself sees to that."""
    return Order(id=order_id, lines=[Line(sku="tea", quantity=2)])


@app.get("/orders/{order_id}/receipt", response_model=Order)
async def receipt(order_id: int) -> JSONResponse:
    """A receipt that nobody validates: the quantity of its second line is no number."""
    return JSONResponse({"id": order_id, "lines": [{"sku": "tea", "quantity": 2}, {"sku": "cup", "quantity": _SECRET}]})


@app.get("/numbers", response_model=list[int])
async def numbers() -> StreamingResponse:
    """A stream of numbers that does not end while somebody listens."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"[1"
        while True:
            yield b",1"
            await asyncio.sleep(0.01)

    return StreamingResponse(parts(), media_type="application/json")


@app.get("/slow")
async def slow(seconds: float) -> str:
    """A request that is under way when the end comes."""
    await asyncio.sleep(seconds)
    return "done"
