"""One call makes an app observable, and says so when it cannot."""

import math
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool, QueuePool
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

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


async def test_an_app_whose_pool_is_made_in_its_lifespan_starts_twice() -> None:
    """As under every test client: what is watched in a lifespan is forgotten at its end, and what was there before is not."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        observed.watch(create_engine("sqlite://"))
        yield

    app = FastAPI(lifespan=lifespan)
    observed = instrument(app, engine={"reports": create_engine("sqlite://")})
    for _ in range(2):
        sent: list[str] = []
        waiting = ["lifespan.startup", "lifespan.shutdown"]

        async def receive(waiting: list[str] = waiting) -> dict[str, Any]:
            return {"type": waiting.pop(0)}

        async def send(message: Any, sent: list[str] = sent) -> None:  # noqa: ANN401 - ASGI's
            sent.append(message["type"])

        await app({"type": "lifespan", "app": app, "state": {}}, receive, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
        assert observed.worker.pools.names == ("reports",)


async def test_a_mounted_app_that_is_instrumented_too_is_no_second_worker() -> None:
    """One process has one event loop and one metrics port, and a request is one request, however many of its apps are instrumented."""
    inner, outer = FastAPI(), FastAPI()
    inner.get("/x")(lambda: 1)
    within, around = instrument(inner), instrument(outer)
    outer.mount("/v1", inner)
    before = _value(around, "http_server_request_duration_seconds_count", **_got("/v1/x"))
    await _ask(outer, "/v1/x")
    assert within.worker.port == around.worker.port is not None
    assert sum(thread.name == "apituner-watch" for thread in threading.enumerate()) == 1
    around.worker.leave()
    assert within.worker.port is None
    assert _value(around, "http_server_request_duration_seconds_count", **_got("/v1/x")) == before + 1
    assert _value(around, "http_server_request_duration_seconds_count", **_got("/x")) == 0


async def test_a_pool_that_cannot_be_read_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    """What was noted of requests is handed on all the same."""
    app = FastAPI()
    engine = create_engine("sqlite://", poolclass=QueuePool)
    observed = instrument(app, engine={"broken": engine, "sound": create_engine("sqlite://", poolclass=QueuePool, pool_size=7)})
    engine.pool = object()  # type: ignore[assignment]  # whatever an application does to it
    observed.worker.publish()
    assert math.isnan(_value(observed, "db_client_connection_max", db_client_connection_pool_name="broken"))
    assert _value(observed, "db_client_connection_idle_max", db_client_connection_pool_name="sound") == 7
    assert [line for line in caplog.messages if line.startswith("pool 'broken' cannot be read (")]


async def test_what_is_excluded_is_not_measured() -> None:
    """The paths are the caller's to choose."""
    app = FastAPI()
    observed = instrument(app, exclude=("/excluded",))
    app.get("/excluded")(lambda: 1)
    app.get("/measured")(lambda: 1)
    paths = ("/excluded", "/measured")
    await _ask(app, *paths)
    observed.worker.leave()
    assert [_value(observed, "http_server_request_duration_seconds_count", **_got(path)) for path in paths] == [0, 1]


@pytest.mark.parametrize("trusted", [False, True])
async def test_the_start_of_a_request_is_believed_only_where_it_is_trusted(trusted: bool) -> None:  # noqa: FBT001 - a parameter
    """Else a client could make the queue seem as long as it likes."""
    app = FastAPI()
    observed = instrument(app, trust_request_start=trusted)
    before = _value(observed, "apituning_request_queue_time_seconds_count")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://things") as client:
        await client.get("/", headers={"X-Request-Start": f"t={time.time() - 1:.3f}"})
    observed.worker.leave()
    assert _value(observed, "apituning_request_queue_time_seconds_count") == before + trusted


async def test_a_client_that_goes_away_during_a_stream_is_no_error_of_the_server() -> None:
    """Starlette raises an exception of its own then."""
    app = FastAPI()
    observed = instrument(app)
    app.get("/streamed")(lambda: StreamingResponse(iter(["a", "b"])))
    scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "method": "GET", "path": "/streamed", "headers": [], "query_string": b""}

    async def receive() -> dict[str, str]:
        return {"type": "http.request"}

    async def send(_message: object) -> None:
        raise OSError

    with pytest.raises(ClientDisconnect):
        await app(scope, receive, send)
    observed.worker.leave()
    assert _value(observed, "http_server_request_duration_seconds_count", **_got("/streamed", status=499)) == 1


async def test_a_fault_of_ours_does_not_break_a_request(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """To be observed is worth less than to answer; the log says what is not observed, once."""
    app = FastAPI()
    observed = instrument(app)

    def no_threads() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("apituner.fastapi.workers.loops.ThreadWatch", no_threads)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://things") as client:
        statuses = [(await client.get("/openapi.json")).status_code for _ in range(3)]
    assert statuses == [200, 200, 200]
    assert caplog.text.count("this process is not observed, and serves") == 1
    assert observed.worker.port is None


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
    return _value(observed, "http_server_request_duration_seconds_count", **_got("/things/{thing}"))


def _got(route: str, *, status: int = 200) -> dict[str, str]:
    return {"http_request_method": "GET", "http_route": route, "http_response_status_code": str(status)}


def _value(observed: Instrumentation, name: str, **labels: str) -> float:
    observed.signals.tallies.count()
    return observed.signals.registry.get_sample_value(name, labels) or 0


async def _ask(app: FastAPI, *paths: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://things") as client:
        for path in paths:
            await client.get(path)
