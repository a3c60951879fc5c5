"""The two kinds at a real API server, in a namespace of their own; both are gone after each file, so that others can install them anew."""

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import resources
from cluster import LocalCluster, binaries

NAMESPACE = "resources"
KINDS = ("apitunings.apituner.dev", "connectionbudgets.apituner.dev")
Done = subprocess.CompletedProcess[str]
Kubectl = Callable[..., Done]


@pytest.fixture(scope="module")
def kubectl(cluster: LocalCluster) -> Iterator[Kubectl]:
    """Kubectl in the namespace of these tests; its refusals are results, not exceptions."""

    def run(*arguments: str, document: dict[str, Any] | None = None) -> Done:
        command = [str(binaries.kubectl()), "--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE, *arguments]
        given = json.dumps(document) if document is not None else None
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)

    must(run("apply", "--filename", "-", document={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}))
    yield run
    run("delete", "apitunings,connectionbudgets", "--all")
    run("delete", "crd", *KINDS)


@pytest.fixture(scope="module")
def kinds(kubectl: Kubectl) -> None:
    """Both kinds, as `kubectl apply -f crds/` installs them."""
    must(kubectl("apply", "--server-side", "--filename", str(resources.ROOT / "crds")))
    must(kubectl("wait", "--for=condition=Established", "--timeout=30s", *(f"crd/{kind}" for kind in KINDS)))


@pytest.fixture
def created(kubectl: Kubectl, kinds: None) -> Iterator[Callable[[dict[str, Any]], str]]:  # noqa: ARG001 - they must be there
    """Create an object for one test; returns its name as kubectl takes it, such as apituning/orders."""
    names: list[str] = []

    def create(manifest: dict[str, Any]) -> str:
        done = must(kubectl("create", "--filename", "-", "--output", "name", document=here(manifest)))
        names.append(done.stdout.strip())
        return names[-1]

    yield create
    for name in names:
        kubectl("delete", name)


@pytest.fixture(scope="module")
def tried(kubectl: Kubectl, kinds: None) -> Callable[[dict[str, Any]], Done]:  # noqa: ARG001 - they must be there
    """What the API server would answer to the creation of an object; nothing is stored."""
    return lambda manifest: kubectl("create", "--dry-run=server", "--filename", "-", "--output", "json", document=here(manifest))


def here(manifest: dict[str, Any]) -> dict[str, Any]:
    """*manifest* in the namespace of these tests."""
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": NAMESPACE}}


def must(done: Done) -> Done:
    """Return what was *done*, which cannot have failed."""
    assert done.returncode == 0, done.stderr
    return done
