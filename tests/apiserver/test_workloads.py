"""Steps on a real API server: who owns what afterwards, and what is refused."""

import json

import pytest

from apituner.core.plan import Rollout, Scale
from apituner.core.workload import SettingName
from apituner.kube.client import DEPLOYMENTS, Api, Kind, Manifest
from apituner.kube.errors import Invalid
from apituner.kube.patches import apply_body
from apituner.kube.workloads import KubeWorkloads
from apituner.ports import NotWritten, Written
from shop import Shop, a_program

STEP = Rollout(workers=2, pool_size=14, max_overflow=0)


async def test_a_rollout_sets_the_knobs_and_keeps_everything_else(shop: Shop) -> None:
    """Image, command and the other variables are as they were, and belong to whom they belonged."""
    target = shop.target(container="api")
    seen = await shop.deploy(a_program(env={"LOG_LEVEL": "info"}), a_program("proxy", env={"DB_POOL_SIZE": "3"}), target=target)
    before = await shop.live()

    assert await shop.workloads.carry_out(target, STEP, seen) == Written()

    after = await shop.live()
    assert await shop.env() == {"LOG_LEVEL": "info", "WEB_CONCURRENCY": "2", "DB_POOL_SIZE": "14", "DB_MAX_OVERFLOW": "0"}
    assert await shop.env(container=1) == {"DB_POOL_SIZE": "3"}
    for template in (before, after):
        for container in template["spec"]["template"]["spec"]["containers"]:
            del container["env"]
    assert before["spec"] == after["spec"]
    assert {"team", "apituner"} <= {entry["manager"] for entry in after["metadata"]["managedFields"]}


async def test_applying_twice_is_applying_once(shop: Shop) -> None:
    """The second time nothing is written: the resource version stands."""
    await shop.workloads.carry_out(shop.target(), STEP, await shop.deploy())
    first = await shop.at_rest()

    assert await shop.workloads.carry_out(shop.target(), STEP, first) == Written()
    assert (await shop.read()).resource_version == first.resource_version
    assert first.written_at is not None


async def test_a_field_of_somebody_else_is_not_touched(shop: Shop) -> None:
    """Whoever set the variable keeps it; the refusal names them, the field, and the way out."""
    await shop.deploy(a_program(env={"LOG_LEVEL": "info"}))
    shop.kubectl("set", "env", "deployment/orders", "DB_POOL_SIZE=5")
    seen = await shop.at_rest()

    refused = await shop.workloads.carry_out(shop.target(), STEP, seen)

    assert seen.settings[SettingName.POOL_SIZE].owner == "kubectl-set"
    assert refused == NotWritten(
        reason="FieldOwnedByOther",
        because='.spec.template.spec.containers[name="api"].env[name="DB_POOL_SIZE"].value belongs to kubectl-set; '
        "set spec.rollout.onConflict to Take, or remove the variable from the chart or manifest that sets it",
    )
    assert await shop.env() == {"LOG_LEVEL": "info", "DB_POOL_SIZE": "5"}


async def test_a_field_is_taken_when_the_spec_says_so(shop: Shop) -> None:
    """Take: the value is ours, and so is the field from then on."""
    await shop.deploy(a_program(env={"DB_POOL_SIZE": "5"}))
    seen = await shop.read()

    assert await shop.workloads.carry_out(shop.target(takes_fields=True), STEP, seen) == Written()

    setting = (await shop.read()).settings[SettingName.POOL_SIZE]
    assert (seen.settings[SettingName.POOL_SIZE].owner, setting.value, setting.owner) == ("team", 14, None)


async def test_a_value_that_is_as_wanted_stays_with_its_owner(shop: Shop) -> None:
    """What the chart sets to the very number that is wanted is no conflict and no change of hands."""
    seen = await shop.deploy(a_program(env={"WEB_CONCURRENCY": "2"}))

    assert await shop.workloads.carry_out(shop.target(), STEP, seen) == Written()
    assert (await shop.read()).settings[SettingName.WORKERS].owner == "team"
    assert (await shop.env())["DB_POOL_SIZE"] == "14"


@pytest.mark.parametrize("step", [pytest.param(STEP, id="a rollout"), pytest.param(Scale(replicas=1), id="a scale")])
async def test_a_step_is_refused_after_a_foreign_edit(shop: Shop, step: Rollout | Scale) -> None:
    """What was decided on is not what stands there now, so nothing is written."""
    seen = await shop.deploy()
    shop.kubectl("annotate", "deployment/orders", "somebody=was-here")

    refused = await shop.workloads.carry_out(shop.target(), step, seen)

    assert isinstance(refused, NotWritten)
    assert refused.reason == "ChangedMeanwhile"
    assert (await shop.env(), (await shop.read()).replicas) == ({}, 0)


async def test_the_apply_itself_is_a_compare_and_set(shop: Shop) -> None:
    """An edit between our last look and the apply is refused by the API server, not by luck."""
    seen = await shop.deploy()
    stale = await shop.live()
    shop.kubectl("annotate", "deployment/orders", "somebody=was-here")

    class Blink(Api):
        """Sees the Deployment as it was before the edit."""

        async def get(self, kind: Kind, namespace: str, name: str) -> Manifest:
            return stale if (kind, namespace, name) == (DEPLOYMENTS, shop.namespace, "orders") else {}

    async with await Blink.connect(version="test", environ={"KUBECONFIG": str(shop.cluster.kubeconfig)}) as api:
        refused = await KubeWorkloads(api).carry_out(shop.target(), STEP, seen)

    assert isinstance(refused, NotWritten)
    assert refused.reason == "ChangedMeanwhile"
    assert await shop.env() == {}


async def test_a_scale_changes_the_number_of_pods_only(shop: Shop) -> None:
    """No apply owns the replicas, so none can reset them; the time of the write is on record."""
    seen = await shop.deploy()

    assert await shop.workloads.carry_out(shop.target(), Scale(replicas=2), seen) == Written()

    after = await shop.read()
    assert (after.replicas, await shop.env()) == (2, {})
    ours = [entry for entry in (await shop.live())["metadata"]["managedFields"] if entry["manager"] == "apituner"]
    assert [(entry["operation"], entry["fieldsV1"]) for entry in ours] == [("Update", {"f:spec": {"f:replicas": {}}})]


async def test_a_rollout_after_a_scale_keeps_the_replicas(shop: Shop) -> None:
    """The two ways to write do not undo each other."""
    await shop.workloads.carry_out(shop.target(), Scale(replicas=2), await shop.deploy())
    while isinstance(written := await shop.workloads.carry_out(shop.target(), STEP, await shop.read()), NotWritten):
        assert written.reason == "ChangedMeanwhile"  # its pods are still turning ready

    assert ((await shop.read()).replicas, (await shop.env())["DB_POOL_SIZE"]) == (2, "14")


async def test_a_knob_that_leaves_the_spec_leaves_its_value_in_place(shop: Shop) -> None:
    """An apply deletes what it leaves out; so the old value is applied again for as long as we own it."""
    await shop.workloads.carry_out(shop.target(), STEP, await shop.deploy())
    pool_only = shop.target(variables=((SettingName.POOL_SIZE, "DB_POOL_SIZE"),))
    await shop.at_rest()

    written = await shop.workloads.carry_out(pool_only, Rollout(workers=1, pool_size=9, max_overflow=5), await shop.read(pool_only))

    assert written == Written()
    assert await shop.env() == {"WEB_CONCURRENCY": "2", "DB_POOL_SIZE": "9", "DB_MAX_OVERFLOW": "0"}


async def test_a_container_that_leaves_the_spec_keeps_its_values(shop: Shop) -> None:
    """Turning to another container does not strip the first."""
    api, proxy = shop.target(container="api"), shop.target(container="proxy")
    await shop.workloads.carry_out(api, STEP, await shop.deploy(a_program(), a_program("proxy"), target=api))

    assert await shop.workloads.carry_out(proxy, STEP, await shop.at_rest(proxy)) == Written()
    wanted = {"WEB_CONCURRENCY": "2", "DB_POOL_SIZE": "14", "DB_MAX_OVERFLOW": "0"}
    assert (await shop.env(0), await shop.env(1)) == (wanted, wanted)


async def test_a_variable_that_was_turned_into_a_reference_stays_one(shop: Shop) -> None:
    """Somebody puts a Secret in place of our value: the next step neither fails on it nor undoes it."""
    await shop.workloads.carry_out(shop.target(), STEP, await shop.deploy())
    env = [{"name": "WEB_CONCURRENCY", "value": None, "valueFrom": {"secretKeyRef": {"name": "orders", "key": "workers"}}}]
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "api", "env": env}]}}}}
    shop.kubectl("patch", "deployment/orders", "--type=strategic", "--patch", json.dumps(patch))
    pool_only = shop.target(variables=((SettingName.POOL_SIZE, "DB_POOL_SIZE"),))

    step = Rollout(workers=2, pool_size=9, max_overflow=0)
    assert await shop.workloads.carry_out(pool_only, step, await shop.at_rest(pool_only)) == Written()
    assert await shop.env() == {"WEB_CONCURRENCY": None, "DB_POOL_SIZE": "9", "DB_MAX_OVERFLOW": "0"}


async def test_a_setting_from_a_secret_is_refused_and_left_alone(shop: Shop) -> None:
    """A literal beside a reference is invalid: we say so before the API server has to, and it would."""
    reference = {"name": "DB_POOL_SIZE", "valueFrom": {"secretKeyRef": {"name": "orders-db", "key": "pool"}}}
    seen = await shop.deploy(a_program() | {"env": [reference]})

    refused = await shop.workloads.carry_out(shop.target(), STEP, seen)

    assert isinstance(refused, NotWritten)
    assert (refused.reason, "key pool of Secret orders-db" in refused.because) == ("SettingNotWritable", True)
    body = apply_body(await shop.live(), "api", {"DB_POOL_SIZE": 14})
    with pytest.raises(Invalid, match="may not be specified when `value` is not empty"):
        await shop.api.apply(DEPLOYMENTS, shop.namespace, "orders", body, force=True)
