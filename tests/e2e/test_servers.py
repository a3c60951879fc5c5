"""Several processes are one API to whoever scrapes it, under every server, whatever happens to a worker."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from servers import LIFETIME_REQUESTS, POOL_MAX, SERVERS, WORKERS, Running, Series, Server, eventually, free_port, running

_WORK = {"http_request_method": "GET", "http_route": "/work", "http_response_status_code": "200"}
_POOL = {"db_client_connection_pool_name": "main"}

_SERVERS = [pytest.param(server, id=name) for name, server in SERVERS.items()]


def _answered(api: Running) -> float:
    return api.value("http_server_request_duration_seconds_count", **_WORK)


def _under_way(api: Running) -> float:
    return api.value("http_server_active_requests", http_request_method="GET")


def _is_whole(api: Running) -> bool:
    seen = api.scrape()
    return (WORKERS, POOL_MAX, 1) == (
        seen.get(("apituning_workers", frozenset())),
        seen.get(("db_client_connection_max", frozenset(_POOL.items()))),
        seen.get(("apituning_metrics_complete", frozenset())),
    )


def _workers(api: Running, folder: Path) -> set[int]:
    """Who has gauges; where the app is made before the fork its maker has, too."""
    return {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_livesum_*.db")} - {api.process.pid}


@contextmanager
def _watched(api: Running) -> Iterator[list[str]]:
    """Scrape all the while; a total that falls from one scrape to the next is listed."""
    fell: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        before: dict[Series, float] = {}
        while not ended.wait(0.3):
            try:
                now = api.totals()
            except httpx.TransportError:
                continue  # it went to the worker that was just killed
            fell.extend(f"{series}: {before[series]} to {now.get(series)}" for series in before if now.get(series, -1.0) < before[series])
            before = now

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield fell
    finally:
        ended.set()
        thread.join()


@contextmanager
def _load(api: Running) -> Iterator[None]:
    """Send requests all the while; what a killed worker leaves unanswered is nobody's fault."""
    ended = threading.Event()

    def send() -> None:
        while not ended.wait(0.05):
            api.ask(1)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@contextmanager
def _held(api: Running) -> Iterator[int]:
    """Keep a request under way; give the process that has it."""
    with api.client.stream("GET", "/hold") as response:
        lines = response.iter_lines()  # its end would end the request
        yield int(next(lines))


def _cpu_s(api: Running, folder: Path) -> float:
    """What the workers used, as the system tells it."""
    stats = (Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split() for pid in _workers(api, folder))
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("server", _SERVERS)
def test_workers_with_a_folder_are_one_api(server: Server, tmp_path: Path) -> None:
    """Counts are exact whoever answers; a blocked, a killed and a replaced worker make no total fall and no gauge stick."""
    with running(server, tmp_path) as api:
        eventually(lambda: _is_whole(api), "three workers")
        _counts_are_exact(api, server, tmp_path)
        _a_blocked_worker_is_seen(api)
        with _watched(api) as fell:
            if server.survives_a_kill:
                _a_killed_worker_is_forgotten(api, tmp_path)
            _replaced_workers_go_on_counting(api, server, tmp_path)
        assert [] == fell
        if server.survives_a_kill:
            api.process.terminate()
        else:
            os.kill(min(_workers(api, tmp_path)), signal.SIGKILL)
        api.process.wait(10)


def _counts_are_exact(api: Running, server: Server, folder: Path) -> None:
    api.ask(60)
    eventually(lambda: _answered(api) == 60, "60 requests to be counted")
    scrapes = [api.scrape() for _ in range(20)]
    assert {60.0} == {seen["http_server_request_duration_seconds_count", frozenset(_WORK.items())] for seen in scrapes}
    eventually(lambda: _under_way(api) == 0, "no request to be under way")
    labels = [dict(series) for name, series in scrapes[0] if name == "apituning_build_info"]
    assert [(server.label, server.loop)] == [(each["server"], each["loop"]) for each in labels]
    places = {dict(series)["worker"] for name, series in scrapes[0] if name == "apituning_worker_resident_memory_bytes"}
    assert {"0", "1", "2"} == places
    # The system tells it in hundredths of a second, for each worker two.
    used_s, rounding_s = _cpu_s(api, folder), 0.02 * WORKERS
    eventually(lambda: api.value("process_cpu_time_seconds_total") >= used_s - rounding_s, "what was used to be told")
    assert api.value("process_cpu_time_seconds_total") <= _cpu_s(api, folder) + rounding_s


def _a_blocked_worker_is_seen(api: Running) -> None:
    blocking = threading.Thread(target=api.client.get, args=["/block?seconds=2"])
    blocking.start()
    time.sleep(0.2)
    took_s = []
    while blocking.is_alive():
        since_s = time.monotonic()
        assert _is_whole(api)
        took_s.append(time.monotonic() - since_s)
    assert len(took_s) > 5
    assert max(took_s) < 0.5
    blocking.join()


def _a_killed_worker_is_forgotten(api: Running, folder: Path) -> None:
    with _load(api):
        try:
            with _held(api) as victim:
                eventually(lambda: _under_way(api) >= 1, "the request to be seen")
                os.kill(victim, signal.SIGKILL)
                eventually(lambda: victim not in _workers(api, folder), "the killed worker to be forgotten")
        except httpx.TransportError:
            pass  # the request that it held
        eventually(lambda: _is_whole(api), "a new worker")
    eventually(lambda: _under_way(api) == 0, "no request to be under way")


def _replaced_workers_go_on_counting(api: Running, server: Server, folder: Path) -> None:
    time.sleep(0.5)  # what was noted is counted
    before, old, answered, unanswered = _answered(api), _workers(api, folder), 0, 0
    if server.renewed_by is not None:
        api.process.send_signal(server.renewed_by)
    while old <= _workers(api, folder) and answered < 10 * WORKERS * LIFETIME_REQUESTS:
        unanswered += api.ask(10)
        answered += 10
    assert not old <= _workers(api, folder)
    eventually(lambda: _is_whole(api), "a new worker in its place")
    eventually(lambda: _answered(api) >= before + answered, f"{answered} more requests to be counted")
    counted = {_answered(api) - before for _ in range(5)}
    assert len(counted) == 1
    # One that got no answer may have been worked on, or never seen.
    assert answered <= counted.pop() <= answered + unanswered


@pytest.mark.parametrize("server", _SERVERS)
def test_workers_without_a_folder_say_that_they_are_incomplete(server: Server) -> None:
    """One of them serves its own values: whoever reads them must know that there are others."""
    with running(server, None) as api:
        eventually(lambda: api.scrape()["apituning_metrics_complete", frozenset()] == 0, "the others to be noticed")
        assert 1 == api.value("apituning_workers")


@pytest.mark.parametrize(
    ("name", "forked"),
    [
        pytest.param("uvicorn", {}, id="each worker makes the app"),
        pytest.param("gunicorn that loads the app before it forks", {"FORKED": "1"}, id="the app is made before the fork"),
    ],
)
def test_a_container_that_begins_anew_keeps_its_totals_alone(name: str, forked: dict[str, str], tmp_path: Path) -> None:
    """Its processes have the pids of the earlier one's, whose files are still there: the requests under way then are not under way now."""
    (folder := tmp_path / "shared").mkdir()
    (earlier := tmp_path / "earlier").mkdir()
    with running(SERVERS[name], folder) as api:
        eventually(lambda: _is_whole(api), "three workers")
        api.ask(20)
        with _held(api):
            eventually(lambda: _under_way(api) == 1, "a request to be under way")
            eventually(lambda: _answered(api) == 20, "20 requests to be counted")
            workers = _workers(api, folder)
            os.killpg(api.process.pid, signal.SIGKILL)
    for file in [file for pid in workers for file in folder.glob(f"*_{pid}.*")]:
        file.rename(earlier / file.name)
    with running(SERVERS[name], folder, environ={"PREDECESSORS": str(earlier), **forked}) as api:
        eventually(lambda: _is_whole(api), "three workers")
        assert 0 == _under_way(api)
        api.ask(10)
        eventually(lambda: _answered(api) == 30, "10 more requests to be counted")
        assert [] == list(earlier.iterdir())


def test_a_metrics_port_that_is_free_later_is_taken_later(tmp_path: Path) -> None:
    """By all workers, each of which tried in vain when it began."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as taken, running(SERVERS["uvicorn"], tmp_path, metrics_port=port) as api:
        api.ask(1)
        taken.close()
        eventually(lambda: _is_whole(api), "three workers")
        assert all(_is_whole(api) for _ in range(10))
