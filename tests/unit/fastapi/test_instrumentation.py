"""One call makes an app observable, and says so when it cannot."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from apituner.fastapi import Instrumentation, instrument

_OPERATOR = Path(__file__).parents[3] / "operator"


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
        env={"PYTHONPATH": str(_OPERATOR)},
    ).stdout.splitlines()
    assert {"apituner", "prometheus_client"} <= set(packages.split())
    assert not {"sqlalchemy", "anyio", "starlette", "fastapi", "kopf", "pydantic", "kubernetes"} & set(packages.split())
    assert not others


async def test_an_app_is_measured_from_its_first_request_on() -> None:
    """Also under a server that runs no lifespan; the middleware added afterwards is inside."""
    app = FastAPI()
    observed = instrument(app, engine=create_engine("sqlite://", poolclass=NullPool))

    @app.get("/things/{thing}")
    async def thing(thing: str) -> str:
        return thing

    before = _requests(observed)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://things") as client:
        await client.get("/things/1")
    assert observed.worker.port
    observed.worker.leave()
    assert _requests(observed) == before + 1
    assert observed.worker.port is None


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


def test_something_else_than_a_pool_is_refused() -> None:
    """The error says what was given, and what may be."""
    with pytest.raises(TypeError, match="pool 'main' is a str: give an engine of SQLAlchemy, a Pool of asyncpg, a pool of psycopg_pool"):
        instrument(FastAPI(), engine="postgresql://")


@pytest.mark.parametrize("name", [pytest.param("", id="no name"), pytest.param("x" * 10_000_000, id="a name of 10 MB")])
def test_a_name_that_cannot_be_a_label_is_refused(name: str) -> None:
    """The error shows no more of it than fits a line."""
    with pytest.raises(ValueError, match="give it a name of 1 to 63 characters") as refusal:
        instrument(FastAPI(), engine={name: create_engine("sqlite://")})
    assert len(str(refusal.value)) < 200


def test_a_pool_that_is_made_later_is_watched() -> None:
    """Asyncpg's pools are made in the lifespan, after the app."""
    observed = instrument(FastAPI(), engine=create_engine("sqlite://"))
    observed.watch(create_engine("sqlite://"), name="reports")
    assert observed.worker.pools.names == ("main", "reports")
    with pytest.raises(ValueError, match="a pool named 'reports' is watched already: give this one another name"):
        observed.watch(create_engine("sqlite://"), name="reports")


async def test_a_fault_of_ours_does_not_break_a_request(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """To be observed is worth less than to answer; the log says what is not observed, once."""
    app = FastAPI()
    observed = instrument(app)

    def no_threads() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("apituner.fastapi.workers.loops.ThreadWatch", no_threads)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://things") as client:
        statuses = [(await client.get("/openapi.json")).status_code for _ in range(3)]
    observed.worker.leave()
    assert statuses == [200, 200, 200]
    assert caplog.text.count("this process is not observed, and serves") == 1


def test_a_folder_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    """In a process of its own: prometheus_client decides at its import whether processes share a folder."""
    (tmp_path / "file").touch()
    code = "from fastapi import FastAPI; from apituner.fastapi import instrument; instrument(FastAPI())"
    told = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(_OPERATOR), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "file" / "below")},
    )
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].endswith("which cannot be written (Not a directory): mount an emptyDir there")


def _requests(observed: Instrumentation) -> float:
    labels = {"http_request_method": "GET", "http_route": "/things/{thing}", "http_response_status_code": "200"}
    return observed.signals.registry.get_sample_value("http_server_request_duration_seconds_count", labels) or 0
