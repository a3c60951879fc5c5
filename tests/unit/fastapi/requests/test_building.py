"""Building a response is timed, and what is asked of the database meanwhile is told apart: lazy loading shows there."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import BackgroundTasks, FastAPI
from pydantic import BaseModel, computed_field
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import StaticPool
from starlette.responses import JSONResponse, StreamingResponse

from apituner.fastapi import Instrumentation, instrument


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Return a database in memory that every thread may use."""
    monkeypatch.setenv("APITUNING_METRICS_HOST", "127.0.0.1")
    monkeypatch.setenv("APITUNING_METRICS_PORT", "0")
    made = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    yield made
    made.dispose()


class _World:
    """An instrumented app, and what was seen of it since."""

    def __init__(self, engine: Engine) -> None:
        self.app = FastAPI()
        self.observed: Instrumentation = instrument(self.app, engine=engine)
        self._before: dict[str, float] = {}

    async def ask(self, path: str) -> Any:  # noqa: ANN401 - the body, whatever it is
        """Send one request, and forget what was seen before it."""
        self.observed.signals.tallies.count()
        self._before = self._all()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://orders") as client:
            response = await client.get(path)
        self.observed.worker.leave()
        return response.json()

    def seen(self, name: str, route: str) -> float:
        """Return by how much a series grew."""
        key = f"{name}{{{route}}}"
        return self._all().get(key, 0) - self._before.get(key, 0)

    def _all(self) -> dict[str, float]:
        return {
            f"{sample.name}{{{sample.labels['http_route']}}}": sample.value
            for metric in self.observed.signals.registry.collect()
            for sample in metric.samples
            if set(sample.labels) == {"http_route"}
        }


@pytest.fixture
def world(engine: Engine) -> _World:
    """Return a world in which nothing was asked yet."""
    return _World(engine)


_BUILDING = "apituning_db_operations_while_building_total"
_SERIALIZED = "apituning_response_serialization_seconds_count"


async def test_what_a_model_loads_while_it_is_serialized_is_lazy_loading(world: _World, engine: Engine) -> None:
    """Three lines, three statements, none of them in the handler."""

    class Line(BaseModel):
        number: int

        @computed_field
        def price(self) -> int:
            with engine.connect() as connection:
                return int(connection.execute(text("select 7")).scalar_one())

    @world.app.get("/lazy")
    async def lazy() -> list[Line]:
        return [Line(number=number) for number in range(3)]

    assert [line["price"] for line in await world.ask("/lazy")] == [7, 7, 7]
    assert world.seen(_BUILDING, "/lazy") == 3
    assert world.seen("apituning_db_operations_per_request_sum", "/lazy") == 3
    assert world.seen(_SERIALIZED, "/lazy") == 1


async def test_what_a_handler_loads_is_not(world: _World, engine: Engine) -> None:
    """Nor is what a dependency commits after the handler: FastAPI closes one of function scope before the response is sent."""

    @world.app.get("/eager")
    def eager() -> list[int]:
        with engine.connect() as connection:
            return list(connection.execute(text("select 7")).scalars())

    assert await world.ask("/eager") == [7]
    assert world.seen(_BUILDING, "/eager") == 0
    assert world.seen("apituning_db_operations_per_request_sum", "/eager") == 1


async def test_what_a_stream_asks_for_row_by_row_is_lazy_loading_too(world: _World, engine: Engine) -> None:
    """The response is being built until its last byte."""

    async def rows() -> AsyncIterator[str]:
        for row in range(4):
            with engine.connect() as connection:
                connection.execute(text("select 7"))
            yield f"{row}" if row == 3 else ""

    @world.app.get("/rows")
    async def stream() -> StreamingResponse:
        return StreamingResponse(rows())

    assert await world.ask("/rows") == 3
    assert world.seen(_BUILDING, "/rows") == 4


async def test_a_response_that_a_handler_writes_itself_is_serialized_too(world: _World) -> None:
    """JSON costs the same, whoever asks for it; other bodies do not count."""
    world.app.get("/own")(lambda: JSONResponse({"rows": list(range(1000))}))
    assert len((await world.ask("/own"))["rows"]) == 1000
    assert world.seen(_SERIALIZED, "/own") == 1


async def test_background_tasks_are_charged_to_their_route_and_their_statements_are_not(world: _World, engine: Engine) -> None:
    """Nobody waits for them: they are not what a request costs, but what it leaves behind."""

    def later() -> None:
        with engine.connect() as connection:
            connection.execute(text("select 7"))

    @world.app.get("/mail")
    async def mail(tasks: BackgroundTasks) -> int:
        tasks.add_task(later)
        tasks.add_task(later)
        return 1

    assert await world.ask("/mail") == 1
    assert world.seen("apituning_background_tasks_total", "/mail") == 2
    assert world.seen("apituning_background_task_seconds_total", "/mail") > 0
    assert world.seen("apituning_db_operations_per_request_sum", "/mail") == 0
