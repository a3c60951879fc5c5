"""What is set up once and does not change: what runs here, and how many processes were asked for."""

import asyncio
import importlib.metadata
import os
import sys

from apituner.fastapi.measures.worker_signals import WorkerSignals

_SERVERS = ("gunicorn", "hypercorn", "granian", "uvicorn")


def state_facts(signals: WorkerSignals, loop: asyncio.AbstractEventLoop) -> None:
    """State what runs on *loop* in this process."""
    library = type(loop).__module__.partition(".")[0]  # asyncio or uvloop
    signals.build.labels(_version(), _server(), library).set(1)
    signals.workers.set(1)
    signals.complete.set(1)
    if (workers := os.environ.get("WEB_CONCURRENCY", "").strip()).isdecimal():
        signals.setting.labels("web_concurrency", "").set(int(workers))


def _version() -> str:
    try:
        return importlib.metadata.version("apituner")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout
        return "unknown"


def _server() -> str:
    """Name the program that runs the API: gunicorn runs uvicorn's worker, so the outermost comes first."""
    return next((name for name in _SERVERS if name in sys.modules), "unknown")
