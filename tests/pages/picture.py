"""
The picture of the README: an API whose routes are sick one by one, seen by a real Prometheus that scrapes it.

Only what Prometheus answers is drawn, with the query beside it. ``make pages`` draws it anew (about a minute and a half).
"""

import asyncio
import html
import json
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ailing.ward import Patient, a_database, a_downstream, admitted
from cluster.binaries import ensure
from cluster.ports import free_port
from cluster.web import answers
from demo.chart import Chart, Line, render
from servers import eventually

PICTURE = Path("operator/docs/pictures/instrumentation.svg")

_COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2")
_SECONDS = 70
_STEP_S = 2
_WIDTH, _PANEL, _TITLE = 960, 178, 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One question to Prometheus, and by which label its answers are told apart."""

    title: str
    query: str
    label: str


PANELS = (
    Panel(
        title="Who blocks the event loop, and for how much of the time (%)",
        query='100 * sum by(code_function_name)(rate(apituning_eventloop_held_seconds_total{state="blocked"}[20s])) > 0.1',
        label="code_function_name",
    ),
    Panel(
        title="Statements of one request",
        query="sum by(http_route)(rate(apituning_db_operations_per_request_sum[20s]))"
        " / sum by(http_route)(rate(apituning_db_operations_per_request_count[20s])) > 2",
        label="http_route",
    ),
    Panel(
        title="How long a request waits for a connection (ms)",
        query="1000 * sum by(http_route)(rate(apituning_db_connection_wait_seconds_total[20s]))"
        " / sum by(http_route)(rate(http_server_request_duration_seconds_count[20s])) > 10",
        label="http_route",
    ),
    Panel(
        title="How long a request holds a connection and does nothing with it (ms)",
        query="1000 * sum by(http_route)(rate(apituning_db_connection_unused_seconds_total[20s]))"
        " / sum by(http_route)(rate(http_server_request_duration_seconds_count[20s])) > 20",
        label="http_route",
    ),
)


async def draw() -> str:
    """Run the API and Prometheus, ask the routes, and return the picture."""
    with tempfile.TemporaryDirectory() as folder, a_database(Path(folder)) as host, a_downstream() as downstream:
        environ = {"DATABASE_HOST": host, "DOWNSTREAM": downstream, "DB_POOL_SIZE": "2", "DB_MAX_OVERFLOW": "0"}
        shared = {"PROMETHEUS_MULTIPROC_DIR": f"{folder}/metrics"}
        with admitted(environ | shared, workers=2) as patient, _prometheus(Path(folder), patient) as url:
            began = time.time()
            await _visit(patient)
            return _compose(url, began, time.time())


async def _visit(patient: Patient) -> None:
    """Ask the healthy route all the time, and each sick one for a while."""
    deadline = time.monotonic() + _SECONDS
    visits = (("/blocked", 1), ("/many-queries", 2), ("/starved", 12), ("/long-transaction", 1))

    async def keep_asking(route: str, at_once: int, until: float) -> None:
        while time.monotonic() < until:
            await patient.ask(route, times=at_once, at_once=at_once)
            await asyncio.sleep(0.05)

    healthy = asyncio.create_task(keep_asking("/healthy", 1, deadline))
    for route, at_once in visits:
        await keep_asking(route, at_once, time.monotonic() + _SECONDS / len(visits) - 1)
    await healthy


@contextmanager
def _prometheus(folder: Path, patient: Patient) -> Iterator[str]:
    port = free_port()
    target = urllib.parse.urlsplit(patient.metrics_url).netloc
    configuration = {
        "global": {"scrape_interval": f"{_STEP_S}s"},
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.json").write_text(json.dumps(configuration), encoding="utf-8")
    process = subprocess.Popen([
        ensure()["prometheus"], f"--config.file={folder}/prometheus.json", f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    ])  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(f"{url}/-/ready"), "Prometheus")
        yield url
    finally:
        process.terminate()
        process.wait()


def _compose(url: str, began: float, ended: float) -> str:
    drawn = []
    for index, panel in enumerate(PANELS):
        lines = tuple(
            Line(label=name, colour=colour, points=points)
            for (name, points), colour in zip(sorted(_answer(url, panel, began, ended).items()), _COLOURS, strict=False)
        )
        if not lines:
            raise AssertionError(f"Prometheus has no answer to: {panel.query}")
        chart = render(Chart(began=began, ended=ended, lines=lines, limit=None, marks=()), title=panel.title)
        y = index * (_PANEL + _TITLE)
        placed = chart.replace("<svg ", f'<svg y="{y + _TITLE - 4}" width="{_WIDTH}" height="{_PANEL}" ', 1)
        drawn.append(
            f'<text x="8" y="{y + 18}" class="title">{html.escape(panel.title)}</text>'
            f'<text x="8" y="{y + 34}" class="query">{html.escape(panel.query)}</text>{placed}'
        )
    height = len(PANELS) * (_PANEL + _TITLE)
    style = (
        "text { font: 11px system-ui, sans-serif; fill: #64748b } .title { font-size: 14px; font-weight: 600; fill: #1f2937 }"
        " .query { font: 8.6px ui-monospace, monospace }"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">'
        f"<style>{style}</style>"
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>{"".join(drawn)}</svg>\n'
    )


def _answer(url: str, panel: Panel, began: float, ended: float) -> dict[str, tuple[tuple[float, float], ...]]:
    parameters = urllib.parse.urlencode({"query": panel.query, "start": began, "end": ended, "step": _STEP_S})
    with urllib.request.urlopen(f"{url}/api/v1/query_range?{parameters}", timeout=10) as response:  # noqa: S310 - our own, on loopback
        series = json.load(response)["data"]["result"]
    return {one["metric"][panel.label]: tuple((float(t), float(value)) for t, value in one["values"]) for one in series}
