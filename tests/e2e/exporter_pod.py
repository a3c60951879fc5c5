"""
A small real API, observed by the exporter that EXPORTER names: `e2e.exporter_pod:app`, for any ASGI server.

Every exporter is set up as its own documentation says, with its defaults; those that serve metrics at a port of their own do so at
POD_IP:9464, the others at /metrics of the API.
"""

import asyncio
import os
from collections.abc import Callable

from fastapi import BackgroundTasks, FastAPI, HTTPException

from exporters import BACKGROUND_S, METRICS_PORT, QUICK_S, SLOW_S


def _apituner(app: FastAPI) -> None:
    from apituner.fastapi import instrument  # noqa: PLC0415 - one exporter a process: some register metrics when they are imported

    instrument(app)


def _reader() -> None:
    """Let OpenTelemetry's metrics be scraped."""
    from opentelemetry import metrics  # noqa: PLC0415 - likewise
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415 - likewise
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - likewise
    from prometheus_client import start_http_server  # noqa: PLC0415 - likewise

    metrics.set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()]))
    start_http_server(METRICS_PORT, addr=os.environ["POD_IP"])


def _fastapi(_app: FastAPI) -> None:
    _reader()


def _contrib(app: FastAPI) -> None:
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415 - likewise

    _reader()
    FastAPIInstrumentor.instrument_app(app)


def _starlette_exporter(app: FastAPI) -> None:
    from starlette_exporter import PrometheusMiddleware, handle_metrics  # noqa: PLC0415 - likewise

    app.add_middleware(PrometheusMiddleware)
    app.add_route("/metrics", handle_metrics)


def _instrumentator(app: FastAPI) -> None:
    from prometheus_fastapi_instrumentator import Instrumentator  # noqa: PLC0415 - likewise

    in_progress = "IN_PROGRESS" in os.environ
    Instrumentator(should_instrument_requests_inprogress=in_progress).instrument(app).expose(app)


_EXPORTERS: dict[str, Callable[[FastAPI], None]] = {
    "apituner": _apituner,
    "fastapi": _fastapi,
    "contrib": _contrib,
    "starlette-exporter": _starlette_exporter,
    "instrumentator": _instrumentator,
}

app = FastAPI()
_EXPORTERS[os.environ["EXPORTER"]](app)


@app.get("/healthz")
async def healthz() -> str:
    """Answer the probe, which no exporter is to count among the requests."""
    return "ok"


@app.get("/quick/{number}")
async def quick(number: int) -> int:
    """Answer soon."""
    await asyncio.sleep(QUICK_S)
    return number


@app.get("/slow")
async def slow() -> str:
    """Answer late."""
    await asyncio.sleep(SLOW_S)
    return "late"


@app.get("/broken")
async def broken() -> None:
    """Fail."""
    raise HTTPException(500)


@app.get("/receipt")
async def receipt(tasks: BackgroundTasks) -> str:
    """Answer at once, and go on working."""
    tasks.add_task(asyncio.sleep, BACKGROUND_S)
    return "printing"


@app.get("/held")
async def held() -> str:
    """Answer when all is over."""
    await asyncio.sleep(60)
    return "over"
