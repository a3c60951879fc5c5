"""Deployments as the real API server and its controllers show them."""

import json
from typing import Any

from apituner.core.plan import Rollout, Scale
from apituner.core.workload import Autoscaler, SettingName, SettingSource, TargetFault
from apituner.kube.workloads import KubeWorkloads
from apituner.ports import NotWritten
from shop import Shop, a_program

STEP = Rollout(workers=2, pool_size=14, max_overflow=0)


async def test_a_missing_deployment_says_what_to_do(shop: Shop) -> None:
    """Read or written, the sentence is the same."""
    sentence = f"there is no Deployment orders in namespace {shop.namespace}; create it, or correct spec.targetRef.name"

    assert await shop.workloads.read(shop.target()) == TargetFault(reason="TargetNotFound", because=sentence)


async def test_a_deployment_that_has_gone_is_not_written(shop: Shop) -> None:
    """Deleted between the decision and the write."""
    seen = await shop.deploy()
    shop.kubectl("delete", "deployment/orders")

    for step in (STEP, Scale(replicas=3)):
        refused = await shop.workloads.carry_out(shop.target(), step, seen)
        assert isinstance(refused, NotWritten)
        assert refused.reason == "TargetNotFound"


async def test_a_wrong_container_names_the_right_ones(shop: Shop) -> None:
    """The sentence holds the names to choose from."""
    await shop.deploy()

    fault = await shop.workloads.read(shop.target(container="web"))

    sentence = "Deployment orders has no container web; set spec.containerName to api"
    assert fault == TargetFault(reason="ContainerNotFound", because=sentence)


async def test_settings_from_elsewhere_are_recognised(shop: Shop) -> None:
    """A Secret's key and a flag on the command line, as the API server gives them back."""
    reference = {"name": "DB_POOL_SIZE", "valueFrom": {"secretKeyRef": {"name": "orders-db", "key": "pool"}}}
    command = ["uvicorn", "app:app", "--workers", "4"]

    settings = (await shop.deploy(a_program(command=command) | {"env": [reference]})).settings

    assert settings[SettingName.POOL_SIZE].source is SettingSource.SECRET
    assert (settings[SettingName.WORKERS].source, settings[SettingName.WORKERS].value) == (SettingSource.COMMAND_LINE, 4)
    assert settings[SettingName.MAX_OVERFLOW].source is SettingSource.DEFAULT


async def test_the_autoscaler_on_the_target_is_found(shop: Shop) -> None:
    """Its bounds come along; an autoscaler of another Deployment does not count."""
    await shop.deploy()
    for name, target in (("by-cpu", "orders"), ("other", "payments")):
        shop.kubectl("create", "-f", "-", stdin=json.dumps(an_autoscaler(name, target)))

    # A new reader: the first one remembers, for the length of a sweep, that there was none.
    found = await KubeWorkloads(shop.api).read(shop.target())

    assert not isinstance(found, TargetFault)
    assert found.autoscaler == Autoscaler(kind="HorizontalPodAutoscaler", name="by-cpu", min_replicas=2, max_replicas=6)


def an_autoscaler(name: str, deployment: str) -> dict[str, Any]:
    """Return an autoscaler of two to six pods."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 6},
    }


async def test_terminating_pods_are_counted(shop: Shop) -> None:
    """Old pods hold their connections until they exit, long after the Deployment has stopped counting them."""
    draining = a_program(lifecycle={"preStop": {"sleep": {"seconds": 4}}})
    await shop.deploy(draining, replicas=2)
    shop.kubectl("scale", "deployment/orders", "--replicas=0")

    seen = await shop.until(lambda seen: seen.total_replicas == 0 and seen.terminating_replicas == 2)

    assert seen.unsettled_because == "2 old pods are still terminating"
    assert (await shop.at_rest()).terminating_replicas == 0


async def test_a_template_that_cannot_have_pods_is_stuck(shop: Shop) -> None:
    """A quota stands in the way: the Deployment's own words say which."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    await shop.deploy()
    shop.kubectl("create", "-f", "-", stdin=json.dumps(quota))
    shop.kubectl("scale", "deployment/orders", "--replicas=1")

    seen = await shop.until(lambda seen: seen.stuck_because is not None)

    assert "exceeded quota: none" in str(seen.stuck_because)
