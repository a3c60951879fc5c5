"""The chart at a real API server: what its account may do, and what stays when it goes."""

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import resources
from cluster import LocalCluster, binaries

Done = subprocess.CompletedProcess[str]
Kubectl = Callable[..., Done]
CHART = resources.ROOT / "charts" / "apituner"
ACCOUNT = "system:serviceaccount:operators:tuner-apituner"


@pytest.fixture(scope="module")
def helm(cluster: LocalCluster) -> Callable[..., Done]:
    """The release `tuner` in the namespace `operators`; its pod need not run for these tests."""

    def run(verb: str, *arguments: str) -> Done:
        place = ["--namespace", "operators", "--kubeconfig", str(cluster.kubeconfig)]
        command = [str(binaries.ensure()["helm"]), verb, "tuner", *arguments, *place]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl, helm: Callable[..., Done]) -> Iterator[None]:
    """The chart, with the least that must be said."""
    # Kinds that an earlier test left behind are taken over.
    helm("install", str(CHART), "--create-namespace", "--take-ownership", "--set", "prometheus.url=http://prometheus:9090")
    yield
    kubectl("delete", "namespace", "operators", "--wait=false")


def may(kubectl: Kubectl, verb: str, resource: str) -> str:
    """Whether the account may do it in the namespace of these tests: yes or no."""
    whole, _, part = resource.partition("/")
    return kubectl("auth", "can-i", verb, whole, f"--subresource={part}", "--as", ACCOUNT).stdout.strip()


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        pytest.param("watch", "apitunings.apituner.dev", id="watch ApiTunings anywhere"),
        pytest.param("patch", "apitunings.apituner.dev/status", id="report"),
        pytest.param("patch", "deployments.apps", id="change settings"),
        pytest.param("patch", "deployments.apps/scale", id="change the number of pods"),
        pytest.param("list", "horizontalpodautoscalers.autoscaling", id="look for autoscalers"),
        pytest.param("create", "events.events.k8s.io", id="write Events"),
    ],
)
def test_the_account_may_do_its_work(kubectl: Kubectl, installed: None, verb: str, resource: str) -> None:  # noqa: ARG001
    """The API server itself says so."""
    assert may(kubectl, verb, resource) == "yes"


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        pytest.param("get", "secrets", id="read a secret"),
        pytest.param("get", "configmaps", id="read a config map"),
        pytest.param("create", "deployments.apps", id="create a Deployment"),
        pytest.param("delete", "deployments.apps", id="delete a Deployment"),
        pytest.param("patch", "apitunings.apituner.dev", id="change a spec"),
        pytest.param("patch", "horizontalpodautoscalers.autoscaling", id="change an autoscaler"),
        pytest.param("create", "pods", id="start a pod"),
        pytest.param("create", "pods/exec", id="run a command in a pod"),
    ],
)
def test_the_account_may_do_nothing_else(kubectl: Kubectl, installed: None, verb: str, resource: str) -> None:  # noqa: ARG001
    """The API server itself says so."""
    assert may(kubectl, verb, resource) == "no"


def test_what_users_wrote_outlives_the_release(kubectl: Kubectl, installed: None, helm: Callable[..., Done]) -> None:  # noqa: ARG001
    """Uninstalling keeps the kinds and every object, and a new install takes them over."""
    manifest: dict[str, Any] = resources.an_apituning()
    manifest["metadata"]["namespace"] = "resources"
    created = kubectl("create", "--filename", "-", document=manifest)
    assert created.returncode == 0, created.stderr

    helm("uninstall")
    assert kubectl("get", "apituning/orders").returncode == 0

    helm("install", str(CHART), "--set", "prometheus.url=http://prometheus:9090")
    assert kubectl("get", "apituning/orders").returncode == 0
