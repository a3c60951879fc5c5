"""One call makes an app observable, and says so when it cannot."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from apituner.fastapi import instrument

_MUST = {
    "http_server_request_duration_seconds": ("http_request_method", "http_route", "http_response_status_code"),
    "http_server_active_requests": ("http_request_method",),
    "db_client_connection_wait_time_seconds": ("db_client_connection_pool_name",),
    "db_client_connection_use_time_seconds": ("db_client_connection_pool_name",),
    "db_client_connection_create_time_seconds": ("db_client_connection_pool_name",),
    "db_client_connection_count": ("db_client_connection_pool_name", "db_client_connection_state"),
    "db_client_connection_max": ("db_client_connection_pool_name",),
    "db_client_connection_idle_max": ("db_client_connection_pool_name",),
    "db_client_connection_pending_requests": ("db_client_connection_pool_name",),
    "db_client_connection_timeouts": ("db_client_connection_pool_name",),
    "db_client_operation_duration_seconds": ("db_system_name",),
    "asyncio_eventloop_delay_seconds": (),
    "asyncio_eventloop_delay_max_seconds": (),
    "asyncio_eventloop_cpu_seconds": (),
    "apituning_eventloop_blocked_seconds": (),
    "process_cpu_time_seconds": (),
    "apituning_worker_cpu_max_ratio": (),
    "apituning_worker_loop_cpu_max_ratio": (),
    "apituning_worker_resident_memory_bytes": (),
    "apituning_workers": (),
    "apituning_metrics_complete": (),
    "apituning_effective_setting": ("setting", "pool"),
    "apituning_build_info": ("version", "server", "loop"),
}


@pytest.fixture(autouse=True)
def _port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any free port: another test's may be taken."""
    monkeypatch.setenv("APITUNING_METRICS_HOST", "127.0.0.1")
    monkeypatch.setenv("APITUNING_METRICS_PORT", "0")


def test_it_needs_nothing_but_prometheus_client() -> None:
    """An API that adds it gets neither the operator nor a library that it does not use itself."""
    code = "import sys, apituner.fastapi; print(*{name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"
    code += "; print(*{name for name in sys.modules if name.startswith('apituner.') and not name.startswith('apituner.fastapi')})"
    packages, others = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "operator")},
    ).stdout.splitlines()
    assert {"apituner", "prometheus_client"} <= set(packages.split())
    assert not {"sqlalchemy", "anyio", "starlette", "fastapi", "kopf", "pydantic", "kubernetes"} & set(packages.split())
    assert not others


def test_every_signal_has_its_name_and_labels() -> None:
    """The names are a contract with whoever queries them."""
    registry = instrument(FastAPI()).signals.registry
    known = {metric.name for metric in registry.collect()}
    assert set(_MUST) - known == set()


async def test_an_app_is_measured_from_its_first_request_on() -> None:
    """Also under a server that runs no lifespan; the middleware added afterwards is inside."""
    app = FastAPI()
    worker = instrument(app, engine=create_engine("sqlite://", poolclass=NullPool))

    @app.get("/things/{thing}")
    async def thing(thing: str) -> str:
        return thing

    before = _requests(worker.signals.registry.get_sample_value)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://things") as client:
        await client.get("/things/1")
    assert _requests(worker.signals.registry.get_sample_value) == before + 1
    assert worker.server.port
    worker.leave()
    assert worker.server.port is None


def test_calling_it_twice_is_refused() -> None:
    """Each request would be counted twice."""
    app = FastAPI()
    instrument(app)
    with pytest.raises(ValueError, match=r"called twice for this app: call it once"):
        instrument(app)


async def test_calling_it_after_the_start_is_refused() -> None:
    """The middleware is in place by then, and nothing would be measured."""
    app = FastAPI()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://things") as client:
        await client.get("/")
    with pytest.raises(ValueError, match="after the app had started"):
        instrument(app)


def test_something_else_than_an_engine_is_refused() -> None:
    """The error says what was given."""
    with pytest.raises(TypeError, match="engine 'main' is a str: give an engine of SQLAlchemy"):
        instrument(FastAPI(), engine="postgresql://")  # type: ignore[arg-type]  # the mistake that is tested


def test_a_pool_without_a_queue_is_reported_and_the_app_runs(caplog: pytest.LogCaptureFixture) -> None:
    """Test suites run apps with NullPool: nothing to wait for, nothing to measure."""
    instrument(FastAPI(), engine={"reports": create_engine("sqlite://", poolclass=NullPool)})
    assert "engine 'reports' has a NullPool, which cannot be measured" in caplog.text


def _requests(read: Callable[[str, dict[str, str]], float | None]) -> float:
    labels = {"http_request_method": "GET", "http_route": "/things/{thing}", "http_response_status_code": "200"}
    return read("http_server_request_duration_seconds_count", labels) or 0
