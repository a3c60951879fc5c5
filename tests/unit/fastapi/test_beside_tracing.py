"""OpenTelemetry's tracing and this instrumentation work in one app, and what they say of a request is found by one id."""

import json
import logging

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from apituner.fastapi import AccessLog, ApplicationLog, RequestIds, instrument


@pytest.mark.parametrize("first", ["tracing", "instrumentation"])
async def test_spans_and_both_logs_have_one_trace(
    first: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever is added first. Tracing refuses an app whose middleware is not as Starlette built it, and all its spans are missing."""
    monkeypatch.setenv("APITUNING_METRICS_HOST", "127.0.0.1")
    monkeypatch.setenv("APITUNING_METRICS_PORT", "0")
    app, spans, provider = FastAPI(), InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    app.get("/orders")(lambda: logging.getLogger("shop").warning("packed"))
    if first == "tracing":
        FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    observed = instrument(app, request_ids=RequestIds(), access_log=AccessLog(), application_log=ApplicationLog())
    if first == "instrumentation":
        FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orders") as client:
        await client.get("/orders")
    observed.signals.tallies.count()
    observed.worker.leave()
    traces = {f"{span.context.trace_id:032x}" for span in spans.get_finished_spans()}
    (record,) = (record for record in caplog.records if record.name == "shop")
    (access,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert traces == {record.trace_id} == {access["trace_id"]}  # type: ignore[attr-defined]  # given by our record factory
    assert access["request_id"] == record.request_id  # type: ignore[attr-defined]  # likewise
