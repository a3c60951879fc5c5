"""Where a response stands in the documents of an app and of what is mounted in it."""

import logging
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Host, Mount
from starlette.staticfiles import StaticFiles

from apituner.fastapi.operations.contract.documents import Declared, Document, Documents, Undeclared, read_documents


class _Problem(BaseModel):
    detail: str


def _app() -> FastAPI:
    async def answer() -> int:
        return 1

    nested = APIRouter(prefix="/lines")
    nested.get("/{line_id}")(answer)
    orders = APIRouter(prefix="/orders")
    orders.get("/{order_id}", responses={404: {"model": _Problem}})(answer)
    orders.include_router(nested, prefix="/{order_id}")
    tenant = FastAPI()
    tenant.get("/users/{user_id}")(answer)
    tenant.get("/")(answer)
    admin = FastAPI()
    admin.get("/jobs")(answer)
    hosted = FastAPI()
    hosted.get("/hosted")(answer)
    app = FastAPI()
    app.get("/")(answer)
    app.get("/hidden", include_in_schema=False)(answer)
    app.get("/files/{path:path}")(answer)
    app.include_router(orders, prefix="/v1")
    app.mount("/tenants/{tenant_id}", tenant)
    app.mount("/static", StaticFiles(directory="/"))
    app.router.routes.append(Mount("/admin", app=admin, middleware=[Middleware(GZipMiddleware)]))
    app.router.routes.append(Host("hosted.example", hosted))
    return app


@pytest.mark.parametrize(
    ("statuses", "method", "template"),
    [
        pytest.param(("200",), "GET", "/", id="the root"),
        pytest.param(("200", "404"), "GET", "/v1/orders/{order_id}", id="an included router, and a response declared by hand"),
        pytest.param(("200",), "GET", "/v1/orders/{order_id}/lines/{line_id}", id="a router within a router"),
        pytest.param(("200",), "GET", "/files/{path}", id="a path within a path"),
        pytest.param(("200",), "GET", "/tenants/{tenant_id}/users/{user_id}", id="a mounted app, in its own document"),
        pytest.param(("200",), "GET", "/tenants/{tenant_id}/", id="the root of a mounted app"),
        pytest.param(("200",), "GET", "/admin/jobs", id="a mounted app within its own middleware"),
        pytest.param(("200",), "GET", "/hosted", id="an app of another host"),
        pytest.param(None, "GET", "/hidden", id="a route that is not in the document"),
        pytest.param(None, "GET", "/static", id="static files"),
        pytest.param(None, "GET", "/openapi.json", id="the document itself"),
        pytest.param(None, "DELETE", "/", id="a method that is refused"),
        pytest.param(None, "HEAD", "/", id="a method that FastAPI does not add"),
        pytest.param(None, "_OTHER", "/", id="a method of the client's invention"),
        pytest.param(None, "GET", "/nowhere", id="no route at all"),
    ],
)
def test_a_route_is_found_by_its_template(statuses: tuple[str, ...] | None, method: str, template: str) -> None:
    """Under any status that nobody declares, all those that somebody did are named."""
    found = read_documents(_app()).response(template, method, 418)
    assert found == (statuses and Undeclared(statuses=tuple(statuses)))


def _documents(responses: dict[str, Any], shared: dict[str, Any] | None = None) -> Documents:
    content = {"paths": {"/": {"get": {"responses": responses}}}, "components": {"responses": shared or {}}}
    return Documents([Document(prefix="", content=content)])


_JSON = {"application/json": {"schema": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("expected", "status", "responses"),
    [
        pytest.param("201", 201, {"201": {"content": _JSON}, "2XX": {}, "default": {}}, id="the status itself"),
        pytest.param("2XX", 204, {"201": {}, "2XX": {"content": _JSON}, "default": {}}, id="its range"),
        pytest.param("2xx", 204, {"2xx": {"content": _JSON}}, id="its range, written small"),
        pytest.param("default", 404, {"201": {}, "2XX": {}, "default": {"content": _JSON}}, id="all others"),
    ],
)
def test_the_nearest_declaration_counts(expected: str, status: int, responses: dict[str, Any]) -> None:
    """The status itself before its range, and that before the default."""
    found = _documents(responses).response("/", "GET", status)
    assert isinstance(found, Declared)
    assert found.schemas == {"application/json": ("paths", "/", "get", "responses", expected, "content", "application/json", "schema")}


def test_a_response_that_is_declared_elsewhere_is_found_there() -> None:
    """Documents written by hand share responses."""
    shared = {"Number": {"$ref": "#/components/responses/A~1B"}, "A/B": {"content": _JSON}}
    found = _documents({"200": {"$ref": "#/components/responses/Number"}}, shared).response("/", "GET", 200)
    assert isinstance(found, Declared)
    assert found.schemas == {"application/json": ("components", "responses", "A/B", "content", "application/json", "schema")}


@pytest.mark.parametrize(
    ("expected", "response"),
    [
        pytest.param({}, {"description": "gone"}, id="nothing is said of the body"),
        pytest.param({"text/csv": None}, {"content": {"text/csv": {}}}, id="a type without a schema"),
    ],
)
def test_a_response_may_say_little(expected: dict[str, None], response: dict[str, Any]) -> None:
    """Then little can be checked."""
    found = _documents({"200": response}).response("/", "GET", 200)
    assert isinstance(found, Declared)
    assert expected == found.schemas


def test_nullable_is_told_in_the_words_of_json_schema() -> None:
    """As OpenAPI 3.0 had it, and many still write it."""
    app = FastAPI()
    app.openapi = lambda: {"paths": {"a": [{"nullable": True, "$ref": "#/x"}, {"nullable": False}]}}  # type: ignore[method-assign]  # as FastAPI's manual has it
    (document,) = read_documents(app)._documents
    assert document.content == {"paths": {"a": [{"anyOf": [{"type": "null"}, {"$ref": "#/x"}]}, {"nullable": False}]}}


def test_a_document_that_cannot_be_made_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    """The others are still there, and the log says which is missing."""
    app = _app()
    broken = next(route.app for route in app.routes if isinstance(route, Mount) and route.path == "/tenants/{tenant_id}")

    def openapi() -> None:
        raise RuntimeError("two models of one name")

    broken.openapi = openapi  # type: ignore[attr-defined]  # it is the FastAPI of above
    with caplog.at_level(logging.ERROR):
        documents = read_documents(app)
    assert documents.response("/", "GET", 200)
    assert documents.response("/tenants/{tenant_id}/", "GET", 200) is None
    assert "the responses of /tenants/{tenant_id} are not checked: its OpenAPI document cannot be made" in caplog.text


def test_an_app_without_routes_has_an_empty_document() -> None:
    """And one of Starlette has none."""
    assert len(read_documents(FastAPI())) == 1
    assert read_documents(FastAPI()).response("/", "GET", 200) is None
    assert len(read_documents(Starlette())) == 0
