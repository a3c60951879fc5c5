"""What is off is not there; what is on says at once when it cannot be."""

import asyncio
import sys
import threading
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Message

from apituner.fastapi import ContractCheck, Probes, instrument


@pytest.fixture(autouse=True)
def _port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any free port: another test's may be taken."""
    monkeypatch.setenv("APITUNING_METRICS_HOST", "127.0.0.1")
    monkeypatch.setenv("APITUNING_METRICS_PORT", "0")


async def _ask(app: Any, *paths: str, root_path: str = "") -> list[httpx.Response]:  # noqa: ANN401 - any ASGI application
    transport = httpx.ASGITransport(app, root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://things") as client:
        return [await client.get(path) for path in paths]


async def test_what_is_off_is_not_there() -> None:
    """No route, no series, nobody who looks at a request."""
    app = FastAPI()
    observed = instrument(app)
    assert [answer.status_code for answer in await _ask(app, "/healthz", "/readyz")] == [404, 404]
    observed.worker.leave()
    practice = app.middleware_stack._practice  # type: ignore[union-attr]  # ours is around all others
    assert (practice.answers, practice.begin) == ({}, ())


async def test_probes_are_answered_before_the_application_and_are_not_in_its_document() -> None:
    """Below a root path, too; and another path is the application's."""
    app = FastAPI()
    observed = instrument(app, exclude=(), probes=Probes(ready_path="/ready"))
    ours, ready, theirs = await _ask(app, "/healthz", "/ready", "/readyz")
    assert [answer.status_code for answer in (ours, ready, theirs)] == [200, 200, 404]
    assert [answer.status_code for answer in await _ask(app, "/api/healthz", "/healthz", root_path="/api")] == [200, 200]
    observed.worker.leave()
    assert app.openapi()["paths"] == {}


async def test_probes_of_a_mounted_app_are_below_its_prefix() -> None:
    """The outer app's are its own, whether it has some or not."""
    inner, outer = FastAPI(), FastAPI()
    observed = instrument(inner, probes=Probes()), instrument(outer)
    outer.mount("/inner", inner)
    assert [answer.status_code for answer in await _ask(outer, "/inner/healthz", "/inner/readyz", "/healthz")] == [200, 200, 404]
    for one in observed:
        one.worker.leave()


async def test_probes_of_two_apps_in_one_process_are_apart() -> None:
    """One is told to end, the other is not."""
    apps = [FastAPI(), FastAPI()]
    observed = [instrument(app, probes=Probes()) for app in apps]
    for app in apps:
        await _ask(app, "/readyz")
    practice = apps[0].middleware_stack._practice  # type: ignore[union-attr]  # ours is around all others
    practice.answers["/readyz"].__self__.end_service()
    assert [(await _ask(app, "/readyz"))[0].status_code for app in apps] == [503, 200]
    for one in observed:
        one.worker.leave()


async def test_probes_of_a_plain_starlette_app() -> None:
    """They need nothing of FastAPI."""
    app = Starlette()
    observed = instrument(app, probes=Probes())
    assert (await _ask(app, "/readyz"))[0].json() == {"status": "ready", "checks": {}}
    observed.worker.leave()


def test_an_app_may_live_again_and_again() -> None:
    """As with a test client: beside the main thread, each time on another event loop."""
    app = FastAPI()
    instrument(app, probes=Probes(), contract=ContractCheck(share=1))
    answered: list[list[int]] = []

    async def live() -> None:
        begun, asked = asyncio.Event(), asyncio.Event()
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive() -> dict[str, str]:
            if len(messages) == 1:
                begun.set()
                await asked.wait()
            return messages.pop(0)

        async def send(_message: Message) -> None:
            """Take no notice."""

        life = asyncio.create_task(app({"type": "lifespan"}, receive, send))
        await begun.wait()
        answered.append([answer.status_code for answer in await _ask(app, "/healthz", "/readyz", "/openapi.json")])
        asked.set()
        await life

    for _ in range(2):
        thread = threading.Thread(target=lambda: asyncio.run(live()))
        thread.start()
        thread.join()
    assert answered == [[200, 200, 200]] * 2


def test_a_check_of_responses_without_a_document_is_refused() -> None:
    """A plain Starlette app has none, also where a FastAPI is mounted in it."""
    app = Starlette(routes=[Mount("/inner", FastAPI())])
    with pytest.raises(TypeError, match="given for a Starlette, which has no OpenAPI document: instrument a FastAPI app"):
        instrument(app, contract=ContractCheck())


def test_a_check_of_responses_without_its_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to install."""
    for name in [name for name in sys.modules if name.startswith("apituner.fastapi.operations.contract.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    with pytest.raises(ImportError, match=r"ContractCheck needs jsonschema-rs: add apituner\[contract\] to what the API installs"):
        instrument(FastAPI(), contract=ContractCheck())


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        pytest.param("ContractCheck.share is 2: give a share of responses from 0 to 1", {"share": 2}, id="more than all"),
        pytest.param("ContractCheck.share is nan", {"share": float("nan")}, id="no number"),
        pytest.param("ContractCheck.largest_bytes is 0: give a number of bytes of at least 1", {"largest_bytes": 0}, id="nothing"),
    ],
)
def test_a_share_or_size_that_cannot_be_is_refused(sentence: str, arguments: dict[str, Any]) -> None:
    """It says what to write."""
    with pytest.raises(ValueError, match=sentence.replace(".", r"\.")):
        ContractCheck(**arguments)
