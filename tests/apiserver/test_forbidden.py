"""The operator's account with less than its role: every refusal names the verb, the resource and the way out."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from apituner.core.plan import Rollout, Scale
from apituner.core.workload import TargetFault, Workload
from apituner.kube.client import Api
from apituner.kube.events import Note, Recorder, Regarding
from apituner.kube.workloads import KubeWorkloads
from apituner.ports import NotWritten, Written
from builders import NOON
from shop import Shop

STEP = Rollout(workers=2, pool_size=14, max_overflow=0)
READ = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}
LIST = {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": ["list"]}
WRITE = {"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": ["patch"]}


@asynccontextmanager
async def account(shop: Shop, folder: Path, *rules: dict[str, Any]) -> AsyncIterator[Api]:
    """Give the account `tuner` these rules in this namespace only, and speak as it by a bound token."""
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "tuner"}, "rules": list(rules)}
    shop.kubectl("create", "serviceaccount", "tuner")
    shop.kubectl("create", "-f", "-", stdin=json.dumps(role))
    shop.kubectl("create", "rolebinding", "tuner", "--role=tuner", f"--serviceaccount={shop.namespace}:tuner")
    kubeconfig = yaml.safe_load(shop.cluster.kubeconfig.read_text())
    for user in kubeconfig["users"]:
        user["user"] = {"token": shop.kubectl("create", "token", "tuner").strip()}
    (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    async with await Api.connect(version="test", environ={"KUBECONFIG": str(folder / "kubeconfig")}) as api:
        yield api


def restored(words: str, shop: Shop) -> str:
    """Return the sentence for what the account may not do."""
    way_out = "`helm upgrade` of the apituner release restores the role (this namespace must be among its namespaces)"
    return f"the operator may not {words} in namespace {shop.namespace}: {way_out}"


async def test_the_whole_role_is_enough(shop: Shop, tmp_path: Path) -> None:
    """Get and patch Deployments and their Scale, list autoscalers: no more is asked for."""
    await shop.deploy()
    async with account(shop, tmp_path, READ, LIST, WRITE) as api:
        workloads = KubeWorkloads(api)
        seen = await workloads.read(shop.target())
        assert isinstance(seen, Workload)
        assert await workloads.carry_out(shop.target(), STEP, seen) == Written()
        assert await workloads.carry_out(shop.target(), Scale(replicas=1), await shop.at_rest()) == Written()


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        pytest.param("get deployments", [LIST, WRITE], id="without reading"),
        # Not knowing of an autoscaler is not the same as there being none: two writers of one number would never rest.
        pytest.param("list horizontalpodautoscalers", [READ, WRITE], id="without the autoscalers"),
    ],
)
async def test_what_may_not_be_read_is_a_fault(shop: Shop, tmp_path: Path, words: str, rules: list[dict[str, Any]]) -> None:
    """It holds still and says which permission is missing."""
    await shop.deploy()
    async with account(shop, tmp_path, *rules) as api:
        assert await KubeWorkloads(api).read(shop.target()) == TargetFault(reason="Forbidden", because=restored(words, shop))


async def test_what_may_not_be_written_is_refused(shop: Shop, tmp_path: Path) -> None:
    """The Deployment stays as it is."""
    seen = await shop.deploy()
    async with account(shop, tmp_path, READ, LIST) as api:
        workloads = KubeWorkloads(api)
        assert [
            await workloads.carry_out(shop.target(), STEP, seen),
            await workloads.carry_out(shop.target(), Scale(replicas=3), seen),
        ] == [
            NotWritten(reason="Forbidden", because=restored("patch deployments", shop)),
            NotWritten(reason="Forbidden", because=restored("patch deployments/scale", shop)),
        ]
    assert (await shop.read()).resource_version == seen.resource_version


async def test_events_that_may_not_be_written_stop_nothing(shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line in the log, and the work goes on."""
    orders = Regarding(api_version="apituner.dev/v1alpha1", kind="ApiTuning", namespace=shop.namespace, name="orders", uid="u-1")
    async with account(shop, tmp_path, READ) as api:
        recorder = Recorder(api, instance="apituner-0")
        written = [await recorder.record(orders, Note(reason="Applied", because=words), NOON) for words in ("once", "twice")]

    assert written == [False, False]
    assert [record.getMessage() for record in caplog.records] == [
        f"Events are not written, the work goes on: {restored('create events', shop)}"
    ]
