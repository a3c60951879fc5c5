"""The observer before a real Prometheus that scrapes real pods: every signal right, and every way of not seeing told apart."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apituner.core.policy import Objective
from apituner.core.snapshot import Absence, RouteSignal, Signal, Snapshot, Unobserved
from apituner.ports import Target
from apituner.prometheus.client import Endpoint, PrometheusSource
from apituner.prometheus.figures import OF_THE_DATABASE
from apituner.prometheus.observer import PrometheusObserver
from cluster import LocalCluster

NAMESPACE = "series"
# Five scrapes at the local cluster's 2 s.
WINDOW_S = 10.0
DEADLINE_S = 2.0
PODS = 2


def a_deployment(name: str, folder: Path, image_env: dict[str, str], **env: str) -> dict[str, Any]:
    """Return a Deployment of pods with known figures."""
    from_pod = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP"}
    variables: list[dict[str, Any]] = [
        {"name": name, "value": value} for name, value in {**image_env, "SERIES_FOLDER": str(folder), **env}.items()
    ]
    variables += [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in from_pod.items()]
    program = [sys.executable, str(Path(__file__).with_name("series_pod.py"))]
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": "9464", "prometheus.io/path": "/metrics"}
    container = {"name": "api", "image": "series", "command": program, "env": variables}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": PODS,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
            },
        },
    }


def a_target(deployment: str, percentile: float = 95, latency_s: float = 0.25) -> Target:
    """Return a target in the namespace of the test."""
    objective = Objective(percentile=percentile, latency_s=latency_s, error_ratio=0.01)
    return Target(
        namespace=NAMESPACE,
        name=f"{deployment}-{percentile:g}",
        deployment=deployment,
        container=None,
        variables=(),
        objective=objective,
        source="default",
    )


ORDERS = a_target("orders")
ORDERS_MEDIAN = a_target("orders", percentile=50, latency_s=0.09)
IDLE = a_target("idle")
INCOMPLETE = a_target("incomplete")
NOBODY = a_target("nobody")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder by which pods are told to be silent."""
    return tmp_path_factory.mktemp("series")


@pytest.fixture(scope="module", autouse=True)
def pods(cluster: LocalCluster, folder: Path) -> Iterator[None]:
    """Run the pods for all tests of this file, which tell one story in order."""
    deployments = [
        a_deployment("orders", folder, cluster.image_env),
        a_deployment("idle", folder, cluster.image_env, SERIES_IDLE="1"),
        a_deployment("incomplete", folder, cluster.image_env, SERIES_INCOMPLETE="1"),
    ]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    cluster.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": [namespace, *deployments]}))
    yield
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def observer(cluster: LocalCluster) -> PrometheusObserver:
    """Return an observer with a fresh source, so that no test inherits a breaker."""
    source = PrometheusSource("default", Endpoint(url=cluster.prometheus.url, deadline_s=DEADLINE_S))
    return PrometheusObserver({"default": source}, WINDOW_S)


Seen = Snapshot | Unobserved


async def eventually(observer: PrometheusObserver, target: Target, wanted: Callable[[Seen], bool], within_s: float = 40) -> Seen:
    """Observe *target* until it is seen as *wanted*, and return that."""
    expires_at = time.monotonic() + within_s
    while True:
        answer = (await observer.observe([target], datetime.now(UTC)))[target]
        if wanted(answer):
            return answer
        assert time.monotonic() < expires_at, f"last seen: {answer}"
        await asyncio.sleep(0.5)


def reporting(pods: int) -> Callable[[Seen], bool]:
    """Whether so many pods report."""
    return lambda answer: isinstance(answer, Snapshot) and answer.pods_reporting == pods


def unobserved(reason: Absence) -> Callable[[Seen], bool]:
    """Whether nothing is seen, for *reason*."""
    return lambda answer: isinstance(answer, Unobserved) and answer.reason is reason


def pods_of(cluster: LocalCluster, deployment: str) -> list[str]:
    """Return the names of the ready pods."""
    return [name for name, _ in cluster.ready_pods(NAMESPACE, f"app={deployment}")]


async def test_every_signal_is_right(observer: PrometheusObserver) -> None:
    """Two pods with known rates: sums, means, percentiles and maxima as they must be, within a twentieth."""
    await eventually(observer, ORDERS, reporting(PODS))
    # Until the whole window lies after the start of the pods.
    await asyncio.sleep(WINDOW_S / 2)

    seen = (await observer.observe([ORDERS], datetime.now(UTC)))[ORDERS]

    assert isinstance(seen, Snapshot)
    expected = {
        Signal.REQUESTS_RPS: 80,
        Signal.ERRORS_RATIO: 0.05,
        Signal.IN_FLIGHT: 6,
        Signal.LATENCY_MEAN_S: 0.9 * 0.08 + 0.1 * 0.4,
        # Half into the bucket from 250 to 500 ms, in which the slowest tenth lies.
        Signal.LATENCY_OBJECTIVE_S: 0.375,
        Signal.OVER_OBJECTIVE_RATIO: 0.1,
        Signal.CPU_CORES: 1.0,
        Signal.LOOP_CPU_CORES: 0.8,
        Signal.WORKER_CPU_MAX_RATIO: 0.55,
        Signal.LOOP_LAG_MEAN_S: 0.002,
        Signal.LOOP_LAG_P99_S: 0.001 + 0.99 * 0.0015,
        # 0.1 s a second in each pod of two workers.
        Signal.LOOP_BLOCKED_RATIO: 0.05,
        Signal.POOL_WAIT_MEAN_S: 0.03,
        Signal.POOL_HOLD_MEAN_S: 0.2,
        Signal.POOL_ACQUISITIONS_RPS: 20,
        Signal.POOL_IN_USE: 4,
        Signal.POOL_LIMIT: 12,
        Signal.POOL_OVERFLOW: 4,
        Signal.POOL_TIMEOUTS_RPS: 1.0,
        Signal.QUERIES_RPS: 80,
        Signal.QUERY_MEAN_S: 0.004,
        Signal.WORKERS_ALIVE: 4,
        Signal.WORKER_RSS_MAX_BYTES: 100 * 2**20,
        Signal.POD_RSS_MAX_BYTES: 160 * 2**20,
        Signal.THROTTLED_RATIO: 0.2,
        Signal.QUERIES_IN_SERIALIZATION_RATIO: 0.1,
        Signal.EXTERNAL_RPS: 20,
        Signal.EXTERNAL_MEAN_S: 0.3,
        Signal.EXTERNAL_IN_TRANSACTION_RATIO: 0.4,
        Signal.EXTERNAL_WITHOUT_TIMEOUT_RATIO: 0.2,
        Signal.SERIALIZATION_MEAN_S: 0.005,
        Signal.RESPONSE_MEAN_BYTES: 2048,
        Signal.BACKGROUND_MEAN_S: 0.01,
        Signal.THREADPOOL_TOKENS: 160,
        Signal.THREADPOOL_BORROWED: 12,
        Signal.THREADPOOL_WAITING: 2,
        Signal.RESTARTS_PER_HOUR: 0,
    }
    assert expected == pytest.approx(dict(seen.readings), rel=0.05)
    assert seen.absent == dict.fromkeys(OF_THE_DATABASE, Absence.NOT_EXPORTED)
    assert seen.routes == {
        "/orders": pytest.approx(
            {
                RouteSignal.REQUESTS_RPS: 80,
                RouteSignal.QUERIES_PER_REQUEST: 2,
                RouteSignal.BLOCKED_RATIO: 0.8,
                RouteSignal.SERIALIZATION_MEAN_S: 0.005,
                RouteSignal.RESPONSE_MEAN_BYTES: 2048,
                RouteSignal.EXTERNAL_IN_TRANSACTION_RATIO: 0.4,
            },
            rel=0.05,
        ),
        # The four of six others that block most.
        **{f"/{number}": {RouteSignal.BLOCKED_RATIO: pytest.approx(number / 100, rel=0.05)} for number in (3, 4, 5, 6)},
    }


async def test_a_short_window_is_seen_in_the_same_sweep(observer: PrometheusObserver) -> None:
    """Ten seconds of twenty hold five scrapes: the same rates, and the same share over the objective."""
    wide = PrometheusObserver(observer.sources, 2 * WINDOW_S)
    await eventually(wide, ORDERS, reporting(PODS))

    seen = (await wide.observe([ORDERS], datetime.now(UTC)))[ORDERS]

    assert isinstance(seen, Snapshot)
    assert seen.fast_window_s == WINDOW_S
    assert dict(seen.fast) == pytest.approx(
        {
            Signal.REQUESTS_RPS: 80,
            Signal.ERRORS_RATIO: 0.05,
            Signal.IN_FLIGHT: 6,
            Signal.CPU_CORES: 1.0,
            Signal.OVER_OBJECTIVE_RATIO: 0.1,
        },
        rel=0.05,
    )


async def test_one_sweep_tells_all_targets_apart(observer: PrometheusObserver) -> None:
    """Five targets, six queries: each has its own objective, and its own reason why something is not known."""
    await eventually(observer, IDLE, reporting(PODS))
    queries = observer.sources["default"].tally.queries
    queries.clear()

    seen = await observer.observe([ORDERS, ORDERS_MEDIAN, IDLE, INCOMPLETE, NOBODY], datetime.now(UTC))

    median, idle, incomplete, nobody = seen[ORDERS_MEDIAN], seen[IDLE], seen[INCOMPLETE], seen[NOBODY]
    assert isinstance(median, Snapshot)
    # Nine tenths of the requests lie between 75 and 100 ms: the median is 5/9 into that bucket, and 90 ms 3/5.
    assert median[Signal.LATENCY_OBJECTIVE_S] == pytest.approx(0.075 + 0.025 * 5 / 9, rel=0.02)
    assert median[Signal.OVER_OBJECTIVE_RATIO] == pytest.approx(1 - 0.9 * 3 / 5, rel=0.02)
    assert isinstance(idle, Snapshot)
    assert idle[Signal.REQUESTS_RPS] == 0
    assert {Signal.LATENCY_MEAN_S, Signal.LATENCY_OBJECTIVE_S, Signal.ERRORS_RATIO} <= {
        signal for signal, absence in idle.absent.items() if absence is Absence.NO_TRAFFIC
    }
    assert idle.absent[Signal.POOL_WAIT_MEAN_S] is Absence.NO_SERIES
    assert isinstance(incomplete, Unobserved)
    assert incomplete.reason is Absence.INCOMPLETE_WORKERS
    assert isinstance(nobody, Unobserved)
    assert nobody.reason is Absence.NO_SERIES
    assert queries == {"Success": 6}


async def test_a_pod_that_falls_silent_is_not_counted(observer: PrometheusObserver, cluster: LocalCluster, folder: Path) -> None:
    """Of two pods one reports: the figures may be half of the truth, and the number of pods says so."""
    first, second = pods_of(cluster, "orders")
    (folder / f"{first}.silent").touch()
    await eventually(observer, ORDERS, reporting(1))

    (folder / f"{second}.silent").touch()
    stale = await eventually(observer, ORDERS, unobserved(Absence.STALE))

    assert isinstance(stale, Unobserved)
    assert "no longer scrapes the pods of Deployment series/orders" in stale.because
    for pod in (first, second):
        (folder / f"{pod}.silent").unlink()


async def test_prometheus_stops_and_comes_back_with_nothing(observer: PrometheusObserver, cluster: LocalCluster) -> None:
    """Stopped, it is unreachable within the deadline; back without its storage, too little is known, until a window is full again."""
    cluster.prometheus.stop()
    try:
        asked_at = time.monotonic()
        stopped = (await observer.observe([ORDERS], datetime.now(UTC)))[ORDERS]
        answered_in_s = time.monotonic() - asked_at
    finally:
        cluster.prometheus.start(empty=True)
    assert unobserved(Absence.UNREACHABLE)(stopped)
    assert answered_in_s < DEADLINE_S

    few = await eventually(observer, ORDERS, unobserved(Absence.PARTIAL_COVERAGE))
    assert isinstance(few, Unobserved)
    assert "wait if they are new" in few.because
    await eventually(observer, ORDERS, reporting(PODS))
