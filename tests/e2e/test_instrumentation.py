"""The instrumentation in real servers, with a real PostgreSQL: one worker and two, with and without a folder to share."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ailing.ward import Patient, a_database, admitted
from servers import eventually

_POOL = {"db_client_connection_pool_name": "main"}


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of our own, as SQLAlchemy names it."""
    with a_database(tmp_path_factory.mktemp("postgres")) as host:
        yield f"postgresql+asyncpg://postgres@/postgres?host={host}"


@contextmanager
def _api(database_url: str, *, workers: int = 1, metrics_port: int = 0, **environ: str) -> Iterator[Patient]:
    """Run the orders API with three connections, two of which are kept."""
    pool = {"DATABASE_URL": database_url, "DB_POOL_SIZE": "2", "DB_MAX_OVERFLOW": "1", "DB_POOL_TIMEOUT": "0.2"}
    with admitted({**pool, **environ}, workers=workers, app="demo.orders:app", metrics_port=metrics_port) as api:
        yield api


async def _ask(api: Patient, count: int, path: str = "/orders/1") -> list[int]:
    async with httpx.AsyncClient(base_url=api.url, timeout=10) as client:
        return [response.status_code for response in await asyncio.gather(*(client.get(path) for _ in range(count)))]


async def test_an_async_pool_tells_wait_from_use(database_url: str) -> None:
    """Thirty requests at once for three connections: some wait, some in vain, and time adds up to what the requests took."""
    with _api(database_url) as api:
        statuses = await _ask(api, 30)
        served, refused = statuses.count(200), statuses.count(503)
        assert served + refused == 30
        assert refused > 0
        api.eventually(2, "db_client_connection_count", **_POOL, db_client_connection_state="idle")
        seen = api.scraped()

        def of(name: str) -> float:
            return seen[f"db_client_connection_{name}", frozenset(_POOL.items())]

        # One more use than was served: the table was made at the start.
        assert (served + 1, 31, refused) == (of("use_time_seconds_count"), of("wait_time_seconds_count"), of("timeouts_total"))
        assert of("use_time_seconds_sum") >= served * 0.03
        assert of("wait_time_seconds_sum") >= refused * 0.2
        assert (of("max"), of("idle_max"), of("pending_requests")) == (3, 2, 0)
        took_s = sum(value for (name, _), value in seen.items() if name == "http_server_request_duration_seconds_sum")
        assert of("use_time_seconds_sum") + of("wait_time_seconds_sum") <= took_s * 1.1 + 1
        assert seen["apituning_effective_setting", frozenset({("setting", "db_pool_size"), ("pool", "main")})] == 2
        assert seen["apituning_db_operations_per_request_sum", frozenset({("http_route", "/orders/{order_id}")})] == served
        assert seen["apituning_metrics_complete", frozenset()] == 1


async def test_a_blocked_loop_is_seen_while_it_is_blocked(database_url: str) -> None:
    """The metrics port answers although the loop does not, and the block is told from a busy loop."""
    with _api(database_url, RELEASE="2", DB_POOL_TIMEOUT="10") as api:
        api.eventually(1, "apituning_workers")
        asked = asyncio.create_task(_ask(api, 10, "/orders/1/invoice"))
        await asyncio.sleep(0.5)
        since = time.monotonic()
        await asyncio.to_thread(api.scraped)
        assert time.monotonic() - since < 0.5
        assert await asked == [200] * 10
        eventually(lambda: (api.value("apituning_eventloop_blocked_seconds_total") or 0) > 1, "the block to be counted")
        assert (api.value("asyncio_eventloop_delay_max_seconds") or 0) > 0.15


async def test_two_workers_with_a_folder_are_one_api(database_url: str, tmp_path: Path) -> None:
    """Every scrape is the sum of both; a worker that is killed is forgotten, its replacement counted, and totals stay."""
    with _api(database_url, workers=2, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "made" / "by need")) as api:
        api.eventually(2, "apituning_workers")
        api.eventually(6, "db_client_connection_max", **_POOL)
        assert set(await _ask(api, 4)) == {200}
        route = {"http_request_method": "GET", "http_route": "/orders/{order_id}", "http_response_status_code": "200"}
        api.eventually(4, "http_server_request_duration_seconds_count", **route)
        assert {4.0} == {api.value("http_server_request_duration_seconds_count", **route) for _ in range(8)}
        assert api.value("apituning_metrics_complete") == 1
        assert api.value("apituning_effective_setting", setting="web_concurrency", pool="") == 2
        victim = next(int(file.stem.rpartition("_")[2]) for file in (tmp_path / "made" / "by need").glob("gauge_livesum_*.db"))
        os.kill(victim, signal.SIGKILL)
        api.eventually(1, "apituning_workers")
        api.eventually(2, "apituning_workers")
        api.eventually(6, "db_client_connection_max", **_POOL)
        assert api.value("http_server_request_duration_seconds_count", **route) == 4


async def test_two_workers_without_a_folder_say_that_they_are_incomplete(database_url: str) -> None:
    """One worker serves its own values: whoever reads them must know that there is another."""
    with _api(database_url, workers=2) as api:
        api.eventually(0, "apituning_metrics_complete")


async def test_a_taken_metrics_port_is_reported_and_the_api_serves(database_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """To be observed is worth less than to answer; when the port is free again it is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        with _api(database_url, metrics_port=port) as api:
            assert await _ask(api, 1) == [200]
            assert f"no metrics served: 127.0.0.1:{port} cannot be bound (Address already in use)" in capfd.readouterr().err
            taken.close()
            api.eventually(1, "apituning_workers")
