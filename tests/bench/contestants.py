"""Who serves the API: one uvicorn each, all on one core, the client and the database on another."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.ports import free_port

ROUTES = ("/hello", "/query")
_ROOT = Path(__file__).resolve().parents[2]
_SERVERS_CORE, _CLIENT_CORE = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One running server."""

    name: str
    pid: int
    port: int
    scrape_url: str | None

    def cpu_s(self) -> float:
        """Return the CPU time of all its threads so far."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) / 1e9


def stay_on_the_clients_core() -> None:
    """Keep this process, and all that it starts from now on, off the servers' core."""
    os.sched_setaffinity(0, {_CLIENT_CORE})


@contextmanager
def running(names: Sequence[str], database_url: str, arguments: Sequence[str]) -> Iterator[list[Contestant]]:
    """Run one server for each of *names* until the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(_one(name, database_url, arguments)) for name in names]


@contextmanager
def _one(name: str, database_url: str, arguments: Sequence[str]) -> Iterator[Contestant]:
    port, metrics_port = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "bench.app:app", "--port", str(port), "--log-level", "warning", "--no-access-log", *arguments],
        env=_environ(name, database_url, metrics_port),
        preexec_fn=lambda: os.sched_setaffinity(0, {_SERVERS_CORE}),  # noqa: PLW1509 - no other thread runs yet
        stdout=subprocess.DEVNULL,  # where the access log goes
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/hello")
        ours, theirs = f"http://127.0.0.1:{metrics_port}/metrics", f"http://127.0.0.1:{port}/metrics"
        scrape_url = ours if name.startswith("apituner") else theirs if name == "instrumentator" else None
        yield Contestant(name=name, pid=process.pid, port=port, scrape_url=scrape_url)
    finally:
        process.terminate()
        process.wait()


def _environ(name: str, database_url: str, metrics_port: int) -> Mapping[str, str]:
    return {
        **os.environ,
        "VARIANT": name,
        "DATABASE_URL": database_url,
        "APITUNING_METRICS_HOST": "127.0.0.1",
        "APITUNING_METRICS_PORT": str(metrics_port),
        "PYTHONPATH": os.pathsep.join([str(_ROOT / "operator"), str(_ROOT / "tests")]),
    }


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=5).read()  # noqa: S310 - our own server on loopback
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nothing answers at {url}")
