"""Our objects as a list of the real API server tells them."""

import asyncio
import json

import pytest

from apituner.engine.registry import Kind, Registry
from apituner.kube.client import Api
from apituner.listing import drop_ghosts, seeded
from apituner.settings import Settings
from cluster import LocalCluster
from installed import a_tuning

pytestmark = pytest.mark.usefixtures("kinds")


async def test_a_deletion_that_the_watch_missed_is_noticed(cluster: LocalCluster, namespace: str, api: Api) -> None:
    """What is known and no longer listed goes; what is listed stays."""
    settings = Settings(prometheus_url="http://prometheus:9090", namespaces=(namespace,))
    registry = Registry()
    for name in ("stays", "goes"):
        cluster.kubectl("apply", "-f", "-", input=json.dumps(a_tuning(namespace, name)))
    assert await seeded(api, registry, settings, asyncio.Event())
    assert {one.name for one in registry.all(Kind.TUNING)} == {"stays", "goes"}
    cluster.kubectl("delete", "apituning/goes", "-n", namespace)

    await drop_ghosts(api, registry, settings)

    assert [one.name for one in registry.all(Kind.TUNING)] == ["stays"]
