"""
A small API that tells which process answers: `e2e.served_app:app`, for any ASGI server.

With PREDECESSORS, a folder with the files of an earlier container's workers, each worker finds those of one of them as if it had its pid:
when it is forked if FORKED is set, or else when it makes the app.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from apituner.fastapi import instrument


def _inherit() -> None:
    folder, earlier = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]), Path(os.environ["PREDECESSORS"])
    for counter in earlier.glob("counter_*.db"):
        _, _, pid = counter.stem.partition("_")
        try:
            counter.rename(folder / f"counter_{os.getpid()}.db")
        except FileNotFoundError:
            continue  # another took it
        for file in earlier.glob(f"*_{pid}.*"):
            file.rename(folder / file.name.replace(f"_{pid}.", f"_{os.getpid()}."))
        return


if "FORKED" in os.environ:
    os.register_at_fork(after_in_child=_inherit)
elif "PREDECESSORS" in os.environ:
    _inherit()

app = FastAPI()
instrument(app, engine=create_engine("sqlite://", poolclass=QueuePool, pool_size=2, max_overflow=1))


@app.get("/work")
async def work() -> int:
    """Answer at once."""
    return os.getpid()


@app.get("/block")
async def block(seconds: float) -> int:
    """Hold the event loop."""
    time.sleep(seconds)  # noqa: ASYNC251 - that is what it is for
    return os.getpid()


@app.get("/hold")
async def hold() -> StreamingResponse:
    """Tell who holds this request, and go on holding it."""

    async def told() -> AsyncIterator[str]:
        yield f"{os.getpid()}\n"
        await asyncio.sleep(60)

    return StreamingResponse(told())
