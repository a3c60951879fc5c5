"""
Sick APIs called by their sickness: a real API whose routes are ill one by one, a real Prometheus, the queries of the sweep, the diagnosis.

Each route is asked for a little longer than a window, so that the window holds nothing else.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ailing.ward import Patient, a_database, a_downstream, admitted
from apituner.core.configuration import Configuration
from apituner.core.diagnosis import Bottleneck, Diagnosis, Evidence, Remark, Verdict, diagnose
from apituner.core.policy import Objective
from apituner.core.snapshot import Snapshot
from apituner.prometheus.client import Endpoint, PrometheusSource
from apituner.prometheus.observer import PrometheusObserver
from builders import a_policy, a_workload
from cluster import binaries
from cluster.ports import free_port
from deployments import a_target
from servers import eventually

# Six scrapes at one a second.
WINDOW_S = 6.0
# Until the window lies inside the load, whichever scrape it begins with.
LOAD_S = WINDOW_S + 2
OBJECTIVE = Objective(percentile=95, latency_s=0.1, error_ratio=0.01)
POOL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """The API and the Prometheus that scrapes it."""

    patient: Patient
    prometheus: str

    async def examined(self, route: str, at_once: int) -> Diagnosis:
        """Ask one route for longer than a window, so many requests at once, and diagnose what Prometheus saw of it."""
        asking = asyncio.create_task(self._ask(route, at_once))
        await asyncio.sleep(LOAD_S)
        observer = PrometheusObserver({"default": PrometheusSource("default", Endpoint(url=self.prometheus))}, WINDOW_S)
        target = replace(a_target(), objective=OBJECTIVE)
        seen = (await observer.observe([target], datetime.now(UTC)))[target]
        asking.cancel()
        assert isinstance(seen, Snapshot), seen
        here = Configuration(replicas=1, workers=1, pool_size=POOL)
        workload = a_workload(here, cpu_limit_cores=None)
        policy = a_policy(objective=OBJECTIVE, connection_limit=None)
        return diagnose(Evidence(seen=seen, here=here, workload=workload, policy=policy))

    async def _ask(self, route: str, at_once: int) -> None:
        limits = httpx.Limits(max_connections=None)

        async def again_and_again(client: httpx.AsyncClient) -> None:
            while True:
                assert (await client.get(route)).status_code == httpx.codes.OK
                # Nobody asks without a pause: else the quickest routes would be ill of their callers.
                await asyncio.sleep(0.02)

        async with httpx.AsyncClient(base_url=self.patient.url, timeout=20, limits=limits) as client:
            await asyncio.gather(*(again_and_again(client) for _ in range(at_once)))


@contextmanager
def a_prometheus(folder: Path, metrics_url: str) -> Iterator[str]:
    """Run a Prometheus that scrapes the API as if it ran in a pod of `shop/orders`; gives its address."""
    port = free_port()
    scraped = {"targets": [httpx.URL(metrics_url).netloc.decode()], "labels": {"namespace": "shop", "pod": "orders-6d4f8b7c95-x2z4k"}}
    jobs = [{"job_name": "pods", "static_configs": [scraped]}]
    (folder / "prometheus.json").write_text(
        json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs})
    )
    program = subprocess.Popen(
        [
            binaries.ensure()["prometheus"],
            f"--config.file={folder / 'prometheus.json'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
    )
    try:
        eventually(lambda: httpx.get(f"http://127.0.0.1:{port}/-/ready").status_code == httpx.codes.OK, "Prometheus to be ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        program.terminate()
        program.wait(15)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """Run the API with a pool of two, its database, another service, and Prometheus."""
    folder = tmp_path_factory.mktemp("ward")
    with a_database(folder) as host, a_downstream() as downstream:
        environ = {"DATABASE_HOST": host, "DOWNSTREAM": downstream, "DRIVER": "asyncpg", "DB_POOL_TIMEOUT": "10"}
        environ |= {"DB_POOL_SIZE": str(POOL), "DB_MAX_OVERFLOW": "0"}
        with admitted(environ) as patient, a_prometheus(folder, patient.metrics_url) as prometheus:
            # The first window is a whole one, too.
            time.sleep(WINDOW_S)
            yield Ward(patient=patient, prometheus=prometheus)


@pytest.mark.parametrize(
    ("expected", "named", "route", "at_once"),
    [
        pytest.param(Bottleneck.LOOP_BLOCKED, Bottleneck.LOOP_BLOCKED, "/blocked", 3, id="H1: a blocking call in a coroutine"),
        pytest.param(Bottleneck.SERIALIZATION_HEAVY, Bottleneck.WORKER_CPU, "/heavy", 1, id="H3: a large response, which is CPU"),
        pytest.param(Remark.LAZY_LOADING, None, "/lazy", 1, id="H4: rows that are loaded while the response is written"),
        pytest.param(Bottleneck.N_PLUS_ONE, None, "/many-queries", 1, id="H5: a statement for each row"),
        pytest.param(Bottleneck.POOL_STARVED, Bottleneck.POOL_STARVED, "/starved", 8, id="H6: too few connections"),
        pytest.param(Bottleneck.LONG_TRANSACTION, Bottleneck.LONG_TRANSACTION, "/long-transaction", 8, id="H7: idle in a transaction"),
        pytest.param(
            Bottleneck.EXTERNAL_INSIDE_TRANSACTION,
            Bottleneck.EXTERNAL_INSIDE_TRANSACTION,
            "/call-in-transaction",
            8,
            id="H8: a call while a connection is held",
        ),
        pytest.param(Bottleneck.EXTERNAL_SLOW, Bottleneck.EXTERNAL_SLOW, "/slow-downstream", 4, id="H11: a slow service"),
        pytest.param(Remark.NO_TIMEOUT, None, "/no-timeout", 1, id="H11: a client that would wait for ever"),
        pytest.param(Bottleneck.BACKGROUND_WORK_IN_PROCESS, None, "/background", 2, id="H12: work behind the response"),
        # Last, for the loop sets the gauge of those that wait, and one that is held by the next ailment would leave it standing.
        pytest.param(Bottleneck.THREADPOOL_EXHAUSTED, Bottleneck.THREADPOOL_EXHAUSTED, "/threads", 8, id="H2: too few threads"),
    ],
)
async def test_a_sickness_is_called_by_its_name(
    expected: Bottleneck | Remark, named: Bottleneck | None, route: str, at_once: int, ward: Ward
) -> None:
    """The finding that belongs to the route is there, with advice; it, or what it shows as, is the bottleneck."""
    found = await ward.examined(route, at_once)
    (finding,) = [one for one in found.findings if one.reason is expected]

    assert finding.verdict in (Verdict.FAIL, Verdict.WARN), finding
    assert finding.advice
    assert named in (None, found.bottleneck), (found.bottleneck, found.because, [one for one in found.findings if one.explains_ratio])


async def test_a_healthy_route_has_no_sickness(ward: Ward) -> None:
    """No check fails where nothing is wrong, and none warns."""
    found = await ward.examined("/healthy", 1)

    assert Bottleneck.NOTHING_WRONG is found.bottleneck
    assert [one for one in found.findings if one.verdict in (Verdict.FAIL, Verdict.WARN)] == []


async def test_the_route_is_named(ward: Ward) -> None:
    """By the template under which a developer finds it."""
    found = await ward.examined("/blocked", 3)

    assert "on /blocked (" in found.because
