"""A path becomes a label only as the template of its route."""

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route
from starlette.staticfiles import StaticFiles

from apituner.fastapi.requests.routes import RouteTable, path_of


async def _plain(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("")


def _app() -> FastAPI:
    async def answer() -> None:
        """Answer nothing."""

    nested = APIRouter(prefix="/lines")
    nested.get("/{line_id}")(answer)
    orders = APIRouter(prefix="/orders")
    orders.get("/{order_id}")(answer)
    orders.include_router(nested, prefix="/{order_id}")
    tenant = FastAPI()
    tenant.get("/users/{user_id}")(answer)
    app = FastAPI()
    app.get("/")(answer)
    app.get("/files/{path:path}")(answer)
    app.include_router(orders, prefix="/v1")
    app.include_router(orders, prefix="/v2")
    app.mount("/tenants/{tenant_id}", tenant)
    app.mount("/static", StaticFiles(directory="/"))
    app.router.routes.append(Host("admin.example", Starlette(routes=[Mount("/admin", routes=[Route("/jobs", _plain)])])))
    return app


@pytest.mark.parametrize(
    ("template", "method", "path"),
    [
        pytest.param("/", "GET", "/", id="the root"),
        pytest.param("/v1/orders/{order_id}", "GET", "/v1/orders/17", id="an included router keeps its prefix"),
        pytest.param("/v2/orders/{order_id}", "GET", "/v2/orders/17", id="a router that is included twice has two prefixes"),
        pytest.param("/v1/orders/{order_id}/lines/{line_id}", "GET", "/v1/orders/17/lines/2", id="a router within a router"),
        pytest.param("/tenants/{tenant_id}/users/{user_id}", "GET", "/tenants/acme/users/5", id="a mounted app, its prefix a template"),
        pytest.param("", "GET", "/tenants/acme/nothing", id="no route in a mounted app"),
        pytest.param("/static", "GET", "/static/logo.png", id="static files are one route"),
        pytest.param("/admin/jobs", "GET", "/admin/jobs", id="a route for a host"),
        pytest.param("/files/{path}", "GET", "/files/a/b/c", id="a path within a path"),
        pytest.param("/openapi.json", "GET", "/openapi.json", id="a plain route of Starlette"),
        pytest.param("/v1/orders/{order_id}", "DELETE", "/v1/orders/17", id="a method that is refused"),
        pytest.param("", "GET", "/.env", id="no route at all"),
        pytest.param("", "GET", "", id="an empty path"),
    ],
)
def test_a_path_is_known_by_its_template(template: str, method: str, path: str) -> None:
    """No value that a client chooses is in a template."""
    app = _app()
    assert template == RouteTable(lambda: app.routes).template(id(None), path, method)


def test_a_route_added_later_is_known() -> None:
    """An app that adds routes while it runs is read again."""
    app = FastAPI()
    table = RouteTable(lambda: app.routes)
    assert not table.template(id(None), "/late", "GET")
    app.add_api_route("/late", lambda: None)
    assert table.template(id(None), "/late", "GET") == "/late"


@pytest.mark.parametrize("where", ["router", "mounted"])
def test_a_route_added_later_below_is_known(where: str) -> None:
    """The number of the app's own routes stays the same then."""

    async def late() -> None:
        """Answer nothing."""

    app, mounted, router = FastAPI(), FastAPI(), APIRouter()
    router.get("/first")(late)
    app.include_router(router, prefix="/router")
    app.mount("/mounted", mounted)
    table = RouteTable(lambda: app.routes)
    table.packages()
    (router if where == "router" else mounted).get("/late")(late)
    assert table.template(id(None), f"/{where}/late", "GET") == f"/{where}/late"


def test_an_endpoint_that_the_router_found_is_looked_up() -> None:
    """Matching every path a second time would cost as much as the router itself."""
    app = FastAPI()

    async def order() -> None:
        """Answer nothing."""

    app.get("/orders/{order_id}")(order)
    table = RouteTable(lambda: app.routes)
    assert table.template(id(order), "/not/matched/at/all", "GET") == "/orders/{order_id}"


def test_an_endpoint_of_two_routes_is_told_by_the_path() -> None:
    """The endpoint alone would name either."""
    app = FastAPI()

    async def order() -> None:
        """Answer nothing."""

    app.get("/v1/orders")(order)
    app.get("/v2/orders")(order)
    assert RouteTable(lambda: app.routes).template(id(order), "/v2/orders", "GET") == "/v2/orders"


def test_the_applications_own_packages_are_those_of_its_endpoints() -> None:
    """FastAPI's own routes for the documentation do not count."""
    app = FastAPI()
    app.get("/orders")(_plain)
    assert RouteTable(lambda: app.routes).packages() == {_plain.__module__.partition(".")[0]}


@pytest.mark.parametrize(
    ("expected", "path", "root_path"),
    [
        pytest.param("/orders", "/orders", "", id="no root path"),
        pytest.param("/orders", "/api/orders", "/api", id="a proxy that keeps its prefix"),
        pytest.param("/orders", "/orders", "/api", id="a proxy that strips its prefix"),
        pytest.param("/apiary", "/apiary", "/api", id="a path that only begins alike"),
    ],
)
def test_the_root_path_is_no_part_of_a_route(expected: str, path: str, root_path: str) -> None:
    """The router is asked below the root path, so the table is too."""
    assert expected == path_of({"path": path, "root_path": root_path})
