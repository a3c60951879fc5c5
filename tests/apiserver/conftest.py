"""What the tests against the real API server share: a connection, a namespace of their own, and the two kinds."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from apituner.kube.client import Api
from apituner.kube.workloads import KubeWorkloads
from cluster import LocalCluster
from shop import Shop

_CRDS = Path(__file__).resolve().parents[2] / "crds"


@pytest.fixture(scope="module")
def kinds(cluster: LocalCluster) -> Iterator[None]:
    """Teach the API server the two kinds, and wait until it serves them; helm would not take over what it did not install."""
    cluster.kubectl("apply", "--server-side", "-f", str(_CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(_CRDS))
    yield
    cluster.kubectl("delete", "-f", str(_CRDS), "--timeout=60s")


@pytest_asyncio.fixture
async def api(cluster: LocalCluster) -> AsyncIterator[Api]:
    """Return the administrator's connection."""
    async with await Api.connect(version="test", environ={"KUBECONFIG": str(cluster.kubeconfig)}) as connection:
        yield connection


@pytest.fixture
def shop(cluster: LocalCluster, api: Api) -> Iterator[Shop]:
    """Return a namespace that nobody else uses; it goes away in the background."""
    namespace = f"shop-{uuid.uuid4().hex[:6]}"
    cluster.kubectl("create", "namespace", namespace)
    yield Shop(cluster=cluster, api=api, namespace=namespace, workloads=KubeWorkloads(api))
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")
