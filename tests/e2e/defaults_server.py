"""The API with its operational defaults on, in any server, as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

_ROOT = Path(__file__).parents[2]
_APP = "e2e.defaults_api:app"

SECRET = "card-4929-1111"  # noqa: S105 - there is nothing that it opens
"""A value that must be found nowhere but in a response."""

UVICORN = "uvicorn {app} --host 127.0.0.1 --port {port} --no-access-log --workers {workers}"
GUNICORN = "gunicorn {app} -k uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port} --workers {workers}"
GRANIAN = "granian --interface asgi {app} --host 127.0.0.1 --port {port} --workers {workers}"
HYPERCORN = "hypercorn {app} --bind 127.0.0.1:{port} --workers {workers}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A running API."""

    process: subprocess.Popen[bytes]
    url: str
    metrics_url: str
    database: Path
    log: Path

    def status(self, path: str) -> int:
        """Ask once, on a connection of its own; 0 where none is to be had."""
        try:
            return httpx.get(f"{self.url}{path}", timeout=10).status_code
        except httpx.TransportError:
            return 0

    def series(self, name: str) -> dict[tuple[str, ...], float]:
        """Scrape one metric, by the values of its labels in the order of their names."""
        text = httpx.get(self.metrics_url, timeout=5).text
        return {
            tuple(sample.labels[label] for label in sorted(sample.labels)): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        }

    def exit_code(self, within_s: float) -> int:
        """Wait for its end."""
        return self.process.wait(within_s)


def eventually(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


@contextmanager
def served(folder: Path, command: str = UVICORN, *, workers: int = 1, ready: bool = True, **environ: str) -> Iterator[Api]:
    """Serve, from a folder of its own, until the block is left; with *ready* it is waited for."""
    port, metrics_port = _free_ports()
    database, log, shared = folder / "database", folder / "log", folder / "metrics"
    database.write_text("well")
    program, *arguments = command.format(app=_APP, port=port, workers=workers).split()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", program, *arguments],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(_ROOT / "operator"), str(_ROOT / "tests")]),
                "DATABASE_STATE": str(database),
                "SECRET": SECRET,
                "APITUNING_METRICS_HOST": "127.0.0.1",
                "APITUNING_METRICS_PORT": str(metrics_port),
                **({"PROMETHEUS_MULTIPROC_DIR": str(shared)} if workers > 1 else {}),
                **environ,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        api = Api(process=process, url=url, metrics_url=f"http://127.0.0.1:{metrics_port}/metrics", database=database, log=log)
        if ready:
            eventually(lambda: api.status("/readyz") == 200, f"the API to be ready: {log.read_text()}")
        yield api
    finally:
        process.terminate()
        with ExitStack() as stack:
            stack.callback(process.wait)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                # Its session is ours alone.
                os.killpg(process.pid, signal.SIGKILL)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(two.getsockname()[1])
