"""A real API with the exporter that a team already has: its Deployment, and a known load of one of its pods."""

import asyncio
import itertools
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

PORT = 8000
METRICS_PORT = 9464
"""Of the exporters that do not serve their metrics at a path of the API."""
QUICK_S, SLOW_S, BACKGROUND_S = 0.02, 0.3, 0.4
"""How long its routes take."""

# One in ten fails, one in ten is slow, one in ten goes on working after its answer. The ten of them do not take a whole number of seconds,
# or every scrape would meet the same ones in flight.
RPS = 9.3
HELD = 4
PATHS = ("/quick/1", "/quick/2", "/slow", "/quick/3", "/quick/4", "/broken", "/quick/5", "/receipt", "/quick/6", "/quick/7")

_UVICORN = ["-m", "uvicorn", "e2e.exporter_pod:app", "--host", "$(POD_IP)", "--port", str(PORT), "--no-access-log"]
# The kernel shares connections out between the workers, so that scrapes really meet now this one, now that one, as none is kept open.
_TWO_WORKERS = ["-m", "gunicorn", "e2e.exporter_pod:app", f"--bind=$(POD_IP):{PORT}", "--workers=2", "--reuse-port", "--keep-alive=1"]
_TWO_WORKERS += ["--worker-class=uvicorn_worker.UvicornWorker"]


def an_api(namespace: str, name: str, env: Mapping[str, str], *, metrics_port: int = PORT, workers: int = 1) -> dict[str, Any]:
    """Return a Deployment of one pod; *env* finds Python, and chooses the exporter and its options."""
    variables: list[dict[str, Any]] = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    variables += [{"name": key, "value": value} for key, value in {"APITUNING_METRICS_HOST": "$(POD_IP)", **env}.items()]
    container = {
        "name": "api",
        "image": "api",
        "command": [sys.executable, *(_UVICORN if workers == 1 else _TWO_WORKERS)],
        "env": variables,
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": PORT}, "periodSeconds": 1},
    }
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": str(metrics_port), "prometheus.io/path": "/metrics"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
            },
        },
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a client measured at one pod."""

    statuses: Counter[int]
    latencies_s: list[float]
    took_s: float

    @property
    def rps(self) -> float:
        """Answers per second."""
        return len(self.latencies_s) / self.took_s

    @property
    def error_ratio(self) -> float:
        """The share of answers of 500."""
        return self.statuses[500] / len(self.latencies_s)

    @property
    def mean_s(self) -> float:
        """The mean of what the client waited."""
        return sum(self.latencies_s) / len(self.latencies_s)


async def load(client: httpx.AsyncClient, address: str, seconds: float) -> Answers:
    """Send requests when they are due, however slow the answers are."""
    statuses: Counter[int] = Counter()
    latencies_s: list[float] = []

    async def ask(path: str) -> None:
        began_s = time.monotonic()
        statuses[(await client.get(f"http://{address}:{PORT}{path}")).status_code] += 1
        latencies_s.append(time.monotonic() - began_s)

    held = [asyncio.create_task(client.get(f"http://{address}:{PORT}/held")) for _ in range(HELD)]
    began_s, asked = time.monotonic(), list[asyncio.Task[None]]()
    for number, path in enumerate(itertools.cycle(PATHS)):
        due_s = began_s + number / RPS
        if due_s > began_s + seconds:
            break
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        asked.append(asyncio.create_task(ask(path)))
    took_s = time.monotonic() - began_s
    await asyncio.gather(*asked)
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    return Answers(statuses=statuses, latencies_s=latencies_s, took_s=took_s)
