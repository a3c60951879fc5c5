"""What tests against a real API server share: one cluster for all of them, and a namespace for each."""

import uuid
from collections.abc import Iterator
from pathlib import Path

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


# What fails fast and cheap comes first; the story last, when nothing else runs beside it.
_ORDER = ("unit", "chart", "apiserver", "e2e", "demo")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the folders in the order above."""

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        return _ORDER.index(folder) if folder in _ORDER else 0

    items.sort(key=place)
