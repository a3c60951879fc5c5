"""What teams already run, for real: each exporter in a real API, scraped by a real Prometheus, against what a client measured."""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from apituner.core.policy import Objective
from apituner.core.snapshot import Absence, RouteSignal, Signal, Snapshot, Unobserved
from apituner.core.trust import gap
from apituner.ports import Target
from apituner.prometheus.client import Endpoint, PrometheusSource
from apituner.prometheus.observer import PrometheusObserver
from apituner.prometheus.presets.apituner import APITUNER
from apituner.prometheus.presets.opentelemetry import OPENTELEMETRY
from apituner.prometheus.presets.opentelemetry_old import OPENTELEMETRY_OLD
from apituner.prometheus.presets.precedence import PRESETS
from apituner.prometheus.presets.preset import Preset
from apituner.prometheus.presets.prometheus_fastapi_instrumentator import PROMETHEUS_FASTAPI_INSTRUMENTATOR
from apituner.prometheus.presets.starlette_exporter import STARLETTE_EXPORTER
from apituner.prometheus.queries import detection, sweep
from builders import a_policy, a_workload
from cluster import LocalCluster
from exporters import BACKGROUND_S, HELD, METRICS_PORT, PATHS, PORT, Answers, an_api, load

NAMESPACE = "presets"
# Six scrapes at the local cluster's 2 s.
WINDOW_S = 12.0
# Until the window lies inside the load, whichever scrape it begins with.
LOAD_S = WINDOW_S + 4
OBJECTIVE_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """One exporter: how its pods run, by which preset they must be read, and whether background tasks are in its latency."""

    preset: Preset
    counts_background: bool
    port: int
    env: dict[str, str]


EXPORTERS = {
    "ours": Exporter(preset=APITUNER, counts_background=False, port=METRICS_PORT, env={"EXPORTER": "apituner"}),
    "native": Exporter(preset=OPENTELEMETRY, counts_background=False, port=METRICS_PORT, env={"EXPORTER": "fastapi"}),
    "stable": Exporter(
        preset=OPENTELEMETRY,
        counts_background=True,
        port=METRICS_PORT,
        env={"EXPORTER": "contrib", "OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
    ),
    "old": Exporter(preset=OPENTELEMETRY_OLD, counts_background=True, port=METRICS_PORT, env={"EXPORTER": "contrib"}),
    "starlette": Exporter(preset=STARLETTE_EXPORTER, counts_background=False, port=PORT, env={"EXPORTER": "starlette-exporter"}),
    "instrumentator": Exporter(
        preset=PROMETHEUS_FASTAPI_INSTRUMENTATOR,
        counts_background=True,
        port=PORT,
        env={"EXPORTER": "instrumentator", "IN_PROGRESS": "1"},
    ),
}
IDLE, TWO_WORKERS = "idle", "two-workers"


def a_target(deployment: str, preset: str | None = None) -> Target:
    """Return a target in the namespace of the test."""
    objective = Objective(percentile=95, latency_s=OBJECTIVE_S, error_ratio=0.01)
    return Target(
        namespace=NAMESPACE,
        name=deployment,
        deployment=deployment,
        container=None,
        variables=(),
        objective=objective,
        source="default",
        preset=preset,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One sweep over all, and what a client measured meanwhile."""

    seen: dict[str, Snapshot | Unobserved]
    wrong_preset: Snapshot | Unobserved
    measured: dict[str, Answers]
    queries: Counter[str]


async def _sweep(url: str, addresses: dict[str, str]) -> Sweep:
    source = PrometheusSource("default", Endpoint(url=url))
    observer = PrometheusObserver({"default": source}, WINDOW_S)
    targets = {name: a_target(name) for name in (*EXPORTERS, IDLE, TWO_WORKERS)}
    wrong = a_target("instrumentator", preset="StarletteExporter")
    async with httpx.AsyncClient(timeout=90, limits=httpx.Limits(max_connections=None)) as client:
        loads = {name: asyncio.create_task(load(client, addresses[name], LOAD_S)) for name in addresses}
        await asyncio.sleep(LOAD_S - 0.5)
        seen = await observer.observe([*targets.values(), wrong], datetime.now(UTC))
        queries = Counter(source.tally.queries)
        measured = {name: await one for name, one in loads.items()}
    return Sweep(seen={name: seen[one] for name, one in targets.items()}, wrong_preset=seen[wrong], measured=measured, queries=queries)


@pytest.fixture(scope="module")
def swept(cluster: LocalCluster) -> Iterator[Sweep]:
    """Run all pods, put them under a known load, and sweep once at its end."""
    deployments = [an_api(NAMESPACE, name, cluster.image_env | one.env, metrics_port=one.port) for name, one in EXPORTERS.items()]
    deployments += [
        an_api(NAMESPACE, IDLE, cluster.image_env | EXPORTERS["starlette"].env),
        an_api(NAMESPACE, TWO_WORKERS, cluster.image_env | EXPORTERS["instrumentator"].env, workers=2),
    ]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    cluster.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": [namespace, *deployments]}))
    cluster.kubectl("wait", "--for=condition=Available", "deployment", "--all", "-n", NAMESPACE, "--timeout=90s")
    addresses = {name: ip for name in (*EXPORTERS, TWO_WORKERS) for _, ip in cluster.ready_pods(NAMESPACE, f"app={name}")}
    yield asyncio.run(_sweep(cluster.prometheus.url, addresses))
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def snapshot(swept: Sweep, name: str) -> Snapshot:
    """Return what must have been observed."""
    seen = swept.seen[name]
    assert isinstance(seen, Snapshot), seen
    return seen


@pytest.mark.parametrize("name", EXPORTERS)
def test_an_exporter_is_recognized_and_read_right(swept: Sweep, name: str) -> None:
    """
    Rates within a tenth of what the client measured, shares within 0.03, the mean within 30 ms, the percentile in its bucket, requests in
    flight within 0.8: the scrapes look at six moments, and one scrape too many would be one.
    """
    one, seen, client = EXPORTERS[name], snapshot(swept, name), swept.measured[name]
    extra = 1 / len(PATHS) if one.counts_background else 0.0

    assert one.preset.exporter == seen.exporter.name
    assert seen.pods_reporting == 1
    assert seen[Signal.REQUESTS_RPS] == pytest.approx(client.rps, rel=0.1)
    assert seen[Signal.ERRORS_RATIO] == pytest.approx(client.error_ratio, abs=0.03)
    assert seen[Signal.LATENCY_MEAN_S] == pytest.approx(client.mean_s + extra * BACKGROUND_S, abs=0.03)
    assert 0.25 < seen[Signal.LATENCY_OBJECTIVE_S] <= 0.5
    # Where background tasks count, they are slower than the objective, too.
    assert seen[Signal.OVER_OBJECTIVE_RATIO] == pytest.approx(1 / len(PATHS) + extra, abs=0.03)
    assert seen[Signal.IN_FLIGHT] == pytest.approx(HELD + client.rps * (client.mean_s + extra * BACKGROUND_S), abs=0.8)
    assert 0 < seen[Signal.CPU_CORES] < 1
    assert seen[Signal.WORKER_RSS_MAX_BYTES] > 20 * 2**20


def test_ours_tells_what_a_request_is_made_of(swept: Sweep) -> None:
    """Of a real API: its responses, its background tasks, its threads, its calls to nobody, and its routes."""
    seen, client = snapshot(swept, "ours"), swept.measured["ours"]

    assert 0 < seen[Signal.SERIALIZATION_MEAN_S] < 0.01
    assert 1 < seen[Signal.RESPONSE_MEAN_BYTES] < 100
    assert seen[Signal.BACKGROUND_MEAN_S] == pytest.approx(BACKGROUND_S / len(PATHS), rel=0.25)
    assert seen[Signal.EXTERNAL_RPS] == 0
    assert (seen[Signal.THREADPOOL_TOKENS], seen[Signal.THREADPOOL_WAITING]) == (40, 0)
    assert seen[Signal.POD_RSS_MAX_BYTES] == seen[Signal.WORKER_RSS_MAX_BYTES]
    assert len(seen.routes) <= 5 * len(RouteSignal)
    quick = seen.routes["/quick/{number}"]
    assert quick[RouteSignal.REQUESTS_RPS] == pytest.approx(client.rps * sum("quick" in path for path in PATHS) / len(PATHS), rel=0.1)
    assert 0 < quick[RouteSignal.SERIALIZATION_MEAN_S] < 0.01
    assert not snapshot(swept, "native").routes


@pytest.mark.parametrize("name", EXPORTERS)
def test_what_an_exporter_lacks_is_named_and_never_acted_on(swept: Sweep, name: str) -> None:
    """The signals of the loop only our own has; of the pool, which none of these pods has, nobody tells."""
    seen = snapshot(swept, name)
    found = gap(seen, a_workload(), a_policy())

    assert found is not None
    assert found.reason == "SignalsMissing"
    assert "from apituner.fastapi import instrument; instrument(app, engine=engine)" in found.because
    lacking = EXPORTERS[name].preset is not APITUNER
    assert (f"{seen.exporter.name} has no loop_cpu_cores, loop_lag_mean_s" in found.because) is lacking
    assert seen.absent[Signal.POOL_WAIT_MEAN_S] is (Absence.NOT_EXPORTED if lacking else Absence.NO_SERIES)


def test_all_of_them_cost_six_queries(swept: Sweep) -> None:
    """Nine targets and all five presets: one detection, one coverage, four readings."""
    assert swept.queries == {"Success": 6}


def test_probes_alone_are_no_traffic(swept: Sweep) -> None:
    """A pod that is only probed and scraped serves nobody."""
    seen = snapshot(swept, IDLE)

    assert seen[Signal.REQUESTS_RPS] == 0
    assert seen.absent[Signal.LATENCY_OBJECTIVE_S] is Absence.NO_TRAFFIC


async def test_workers_that_answer_in_turn_are_found_out(swept: Sweep, cluster: LocalCluster) -> None:
    """Two workers without a shared folder: once their counters fell back twice nothing of them is believed."""
    seen, expires_at = swept.seen[TWO_WORKERS], time.monotonic() + 40
    observer = PrometheusObserver({"default": PrometheusSource("default", Endpoint(url=cluster.prometheus.url))}, WINDOW_S)
    while not isinstance(seen, Unobserved) and time.monotonic() < expires_at:
        await asyncio.sleep(1)
        (seen,) = (await observer.observe([a_target(TWO_WORKERS)], datetime.now(UTC))).values()

    assert isinstance(seen, Unobserved)
    assert seen.reason is Absence.INCOMPLETE_WORKERS
    assert "start one worker a pod, or set PROMETHEUS_MULTIPROC_DIR" in seen.because


def test_an_exporter_that_is_named_but_not_there(swept: Sweep) -> None:
    """The sentence says what is there instead."""
    seen = swept.wrong_preset

    assert isinstance(seen, Unobserved)
    assert seen.reason is Absence.PRESET_NOT_FOUND
    assert "write PrometheusFastapiInstrumentator or Auto in spec.metrics.preset" in seen.because


def test_every_query_is_read_by_the_real_parser(cluster: LocalCluster) -> None:
    """With namespaces and without, whatever these are called, each preset alone and all together."""
    odd = ["shop", 'x"} or vector(1) or up{a="', "back\\slash", "a'b"]
    many = ["n" * 60 + str(number) for number in range(100)]
    for presets, where in itertools.product([*([preset] for preset in PRESETS), PRESETS], [odd, many]):
        for query in (detection(where, 60), *sweep(dict.fromkeys(presets, where), 67.5).values()):
            answer = httpx.get(f"{cluster.prometheus.url}/api/v1/parse_query", params={"query": query})
            assert answer.json()["status"] == "success", (query, answer.text)
