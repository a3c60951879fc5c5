"""What tests against a real API server share: one cluster for all of them, and a namespace for each."""

import uuid
from collections.abc import Iterator

import pytest

from cluster import LocalCluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    """Start the local cluster with the first test that asks for it, and end it with the last."""
    with LocalCluster.start() as started:
        yield started


@pytest.fixture
def namespace(cluster: LocalCluster) -> Iterator[str]:
    """Make a fresh namespace, ready for pods; it is deleted afterwards, and nobody waits for that."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    # Admission refuses pods until the controller-manager has made the account.
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=60s")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
