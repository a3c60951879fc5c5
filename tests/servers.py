"""The servers that run an ASGI application in several processes, each as its own documentation starts it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

WORKERS = 3
# Of e2e.served_app: two connections and one more for each worker.
POOL_MAX = 3 * WORKERS
# Requests after which a worker is replaced, where a server can do that.
LIFETIME_REQUESTS = 100

_ROOT = Path(__file__).parents[1]

Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How to start it, and what it is known by."""

    arguments: tuple[str, ...]
    label: str
    loop: str
    survives_a_kill: bool = True
    """Whether it replaces a worker that was killed; or ends, for the container to begin anew."""
    renewed_by: signal.Signals | None = None
    """The signal by which it replaces its workers, where it does not by the number of their requests."""


_GUNICORN = ("gunicorn", "e2e.served_app:app", "--no-control-socket", f"--workers={WORKERS}", f"--max-requests={LIFETIME_REQUESTS}")
_GUNICORN_UVICORN = (*_GUNICORN, "--worker-class=uvicorn_worker.UvicornWorker", "--bind=127.0.0.1:{port}")

SERVERS = {
    "uvicorn": Server(
        arguments=(
            *("uvicorn", "e2e.served_app:app", "--host=127.0.0.1", "--port={port}", "--no-access-log"),
            *(f"--workers={WORKERS}", f"--limit-max-requests={LIFETIME_REQUESTS}"),
        ),
        label="uvicorn",
        loop="uvloop",
    ),
    "gunicorn with uvicorn's worker": Server(arguments=_GUNICORN_UVICORN, label="gunicorn", loop="uvloop"),
    "gunicorn that loads the app before it forks": Server(arguments=(*_GUNICORN_UVICORN, "--preload"), label="gunicorn", loop="uvloop"),
    "gunicorn with its own worker": Server(
        arguments=(*_GUNICORN, "--worker-class=asgi", "--bind=127.0.0.1:{port}"), label="gunicorn", loop="uvloop"
    ),
    "hypercorn": Server(
        arguments=(
            "hypercorn",
            "e2e.served_app:app",
            "--bind=127.0.0.1:{port}",
            f"--workers={WORKERS}",
            f"--max-requests={LIFETIME_REQUESTS}",
        ),
        label="hypercorn",
        loop="asyncio",
        survives_a_kill=False,
    ),
    "granian": Server(
        # It can replace workers by their age, but after a minute at the least; a signal makes it do the same at once.
        arguments=(
            *("granian", "e2e.served_app:app", "--interface=asgi", "--host=127.0.0.1", "--port={port}", f"--workers={WORKERS}"),
            *("--respawn-failed-workers", "--respawn-interval=0.2"),
        ),
        label="granian",
        loop="uvloop",
        renewed_by=signal.SIGHUP,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that runs `e2e.served_app`."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    """Asks the API, each time over a connection of its own, so that any worker may answer."""
    metrics_url: str

    def families(self) -> list[Metric]:
        """Scrape it, likewise."""
        return list(text_string_to_metric_families(self.client.get(self.metrics_url).raise_for_status().text))

    def scrape(self) -> dict[Series, float]:
        """Read all series."""
        return _series(self.families())

    def totals(self) -> dict[Series, float]:
        """Read all series that never fall."""
        return _series(family for family in self.families() if family.type in ("counter", "histogram"))

    def value(self, name: str, **labels: str) -> float:
        """Read one series; 0 where there is none."""
        return self.scrape().get((name, frozenset(labels.items())), 0.0)

    def ask(self, times: int) -> int:
        """Send requests until so many were answered; return how many were not, because their worker ended."""
        unanswered = 0
        while times:
            try:
                self.client.get("/work").raise_for_status()
                times -= 1
            except httpx.TransportError:
                unanswered += 1
        return unanswered


def _series(families: Iterable[Metric]) -> dict[Series, float]:
    return {(sample.name, frozenset(sample.labels.items())): sample.value for family in families for sample in family.samples}


def eventually(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait until something holds; while a server starts or loses a worker it may refuse connections."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if holds():
                return
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody has."""
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(
    server: Server, folder: Path | None, *, metrics_port: int | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run *server* until the context ends, its workers with *folder* to share or with none."""
    port, metrics_port = free_port(), metrics_port or free_port()
    name, *arguments = (argument.format(port=port) for argument in server.arguments)
    process = subprocess.Popen(
        [sys.executable, "-m", name, *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(_ROOT / "operator"), str(_ROOT / "tests")]),
            "APITUNING_METRICS_HOST": "127.0.0.1",
            "APITUNING_METRICS_PORT": str(metrics_port),
            **({} if folder is None else {"PROMETHEUS_MULTIPROC_DIR": str(folder)}),
            **(environ or {}),
        },
        start_new_session=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Connection": "close"}, timeout=10) as client:
            yield Running(process=process, client=client, metrics_url=f"http://127.0.0.1:{metrics_port}/metrics")
    finally:
        # And its workers: its session is ours alone.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
