"""
A small API that tells which process answers: `e2e.served_app:app`, for any ASGI server.

With PREDECESSORS, the pids of an earlier container's workers, each worker inherits the files of one of them as if it had its pid: when it
is forked if FORKED is set, or else when it makes the app.
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
    for earlier in os.environ.get("PREDECESSORS", "").split():
        folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        try:
            (folder / f"process_{earlier}.start").rename(folder / f"process_{os.getpid()}.start")
        except FileNotFoundError:
            continue  # another took it
        for file in folder.glob(f"*_{earlier}.db"):
            file.rename(folder / f"{file.stem.removesuffix(earlier)}{os.getpid()}.db")
        return


if "FORKED" in os.environ:
    os.register_at_fork(after_in_child=_inherit)
else:
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
