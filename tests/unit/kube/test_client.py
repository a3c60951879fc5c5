"""The connection: bounded in time and number, and only five kinds of error come out of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from kubernetes.aio import client as library

from apituner.kube import client
from apituner.kube.client import CONCURRENCY, DEPLOYMENTS, Api
from apituner.kube.errors import Unreachable

Answer = Callable[[web.Request], Coroutine[None, None, web.StreamResponse]]


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """Serve every request by *answer*; the value is the server's address."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def api_at(address: str, timeout_s: float = 5.0) -> Api:
    """Return a connection to the server at *address*."""
    return Api(library.Configuration(host=address), version="1.2.3", timeout_s=timeout_s)


async def test_an_object_comes_back_raw() -> None:
    """The server's own words, and it learns who asks."""
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(f"{request.method} {request.path} {request.headers['User-Agent']}")
        return web.json_response({"metadata": {"name": "orders"}})

    async with answering(answer) as address, api_at(address) as api:
        assert await api.get(DEPLOYMENTS, "shop", "orders") == {"metadata": {"name": "orders"}}
    assert seen == ["GET /apis/apps/v1/namespaces/shop/deployments/orders apituner/1.2.3"]


async def test_a_list_is_read_page_by_page() -> None:
    """The continue token leads to the next page until there is none."""

    async def answer(request: web.Request) -> web.Response:
        if "continue" in request.query:
            return web.json_response({"metadata": {}, "items": [{"n": 2}]})
        return web.json_response({"metadata": {"continue": "more"}, "items": [{"n": 1}]})

    async with answering(answer) as address, api_at(address) as api:
        assert await api.list(DEPLOYMENTS, "shop") == [{"n": 1}, {"n": 2}]
        assert await api.list(DEPLOYMENTS, None) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("sentence", "response"),
    [
        pytest.param("the API server answered slow down (HTTP 429)", {"status": 429, "text": "slow down"}, id="busy"),
        pytest.param("the API server answered no leader (HTTP 500)", {"status": 500, "text": '{"message": "no leader"}'}, id="broken"),
        pytest.param("cannot get deployments orders in namespace shop", {"text": "<html>", "content_type": "text/html"}, id="a login page"),
        pytest.param("cannot get deployments orders", {"text": "{", "content_type": "application/json"}, id="half an answer"),
        pytest.param("the answer is no object", {"text": "[]", "content_type": "application/json"}, id="no object"),
    ],
)
async def test_what_is_no_answer_is_unreachable(sentence: str, response: dict[str, str | int]) -> None:
    """Whatever stands in the way of the API server, the request may succeed later."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(**response)  # type: ignore[arg-type] # a table of keyword arguments

    async with answering(answer) as address, api_at(address) as api:
        with pytest.raises(Unreachable) as raised:
            await api.get(DEPLOYMENTS, "shop", "orders")
    assert sentence in str(raised.value)


async def test_a_server_that_hangs_is_unreachable() -> None:
    """The timeout covers the whole request."""
    given_up = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        await given_up.wait()
        return web.json_response({})

    async with answering(answer) as address, api_at(address, timeout_s=0.1) as api:
        with pytest.raises(Unreachable, match=r"no answer within 0\.1 s"):
            await api.get(DEPLOYMENTS, "shop", "orders")
        given_up.set()


async def test_a_closed_port_is_unreachable() -> None:
    """A refused connection is not a traceback."""
    async with api_at("http://127.0.0.1:9") as api:
        with pytest.raises(Unreachable, match="ClientConnectorError"):
            await api.get(DEPLOYMENTS, "shop", "orders")


async def test_no_more_requests_than_allowed_are_under_way() -> None:
    """A thousand objects do not become a thousand requests at once."""
    under_way, most = 0, 0
    enough = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == CONCURRENCY:
            enough.set()
        await enough.wait()
        under_way -= 1
        return web.json_response({})

    async with answering(answer) as address, api_at(address) as api:
        await asyncio.gather(*(api.get(DEPLOYMENTS, "shop", f"api-{number}") for number in range(5 * CONCURRENCY)))
    assert most == CONCURRENCY


async def test_a_rotated_token_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bound tokens are replaced on disk while the process runs."""
    tokens: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        tokens.append(request.headers["Authorization"])
        return web.json_response({})

    async with answering(answer) as address:
        (tmp_path / "token").write_text("first")
        kubeconfig = tmp_path / "kubeconfig"
        named = {"name": "x"}
        kubeconfig.write_text(
            json.dumps(
                {
                    "current-context": "x",
                    "contexts": [named | {"context": {"cluster": "x", "user": "x"}}],
                    "clusters": [named | {"cluster": {"server": address}}],
                    "users": [named | {"user": {"tokenFile": str(tmp_path / "token")}}],
                }
            )
        )
        async with await Api.connect(version="1", environ={"KUBECONFIG": str(kubeconfig)}) as api:
            await api.get(DEPLOYMENTS, "shop", "orders")
            (tmp_path / "token").write_text("second")
            await api.get(DEPLOYMENTS, "shop", "orders")
            monkeypatch.setattr(client, "_TOKEN_REFRESH_S", 0.0)
            await api.get(DEPLOYMENTS, "shop", "orders")
    assert tokens == ["Bearer first", "Bearer first", "Bearer second"]


async def test_no_configuration_says_what_to_do(tmp_path: Path) -> None:
    """Started by hand without a cluster, the operator says what is missing."""
    with pytest.raises(Unreachable, match="run inside a cluster, or let KUBECONFIG name a readable file"):
        await Api.connect(version="1", environ={"KUBECONFIG": str(tmp_path / "nothing")})
