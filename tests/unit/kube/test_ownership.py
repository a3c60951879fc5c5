"""Who owns a field, as managedFields tell it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apituner.kube import ownership
from deployments import a_deployment, managed

_STATUS = {
    "manager": "kube-controller-manager",
    "operation": "Update",
    "subresource": "status",
    "fieldsV1": {"f:status": {"f:replicas": {}}},
}


@pytest.mark.parametrize(
    ("expected", "entries"),
    [
        pytest.param(None, [], id="nobody wrote it down"),
        pytest.param(None, [managed("apituner", "DB_POOL_SIZE", operation="Apply")], id="only we own it"),
        pytest.param("helm", [managed("helm", "DB_POOL_SIZE", operation="Apply"), _STATUS], id="the chart owns it"),
        pytest.param("kubectl-set", [managed("kubectl-set", "DB_POOL_SIZE"), managed("apituner", "DB_POOL_SIZE")], id="shared with us"),
        pytest.param("argocd", [managed("helm", "DB_POOL_SIZE"), managed("argocd", "DB_POOL_SIZE")], id="two: the first by name"),
        pytest.param(None, [managed("helm", "WEB_CONCURRENCY")], id="another variable"),
        pytest.param(None, [managed("helm", "DB_POOL_SIZE", container="sidecar")], id="another container"),
    ],
)
def test_the_foreign_owner_of_a_value(expected: str | None, entries: list[dict[str, Any]]) -> None:
    """A manager other than ours whose entry holds the variable's value."""
    assert expected == ownership.foreign_owner(a_deployment(metadata={"managedFields": entries}), "api", "DB_POOL_SIZE")


def test_what_we_applied_is_known_whatever_the_spec_names() -> None:
    """Every variable of every container that our applies own, and nothing that came another way."""
    entries = [
        managed("apituner", "DB_POOL_SIZE", "WEB_CONCURRENCY", operation="Apply"),
        managed("apituner", "LOG_LEVEL", operation="Update"),
        managed("helm", "DB_MAX_OVERFLOW", operation="Apply"),
    ]

    owned = ownership.applied_variables(a_deployment(metadata={"managedFields": entries}))

    assert owned == [("api", "DB_POOL_SIZE"), ("api", "WEB_CONCURRENCY")]


def test_the_last_write_is_the_newest_of_all_ways_to_write() -> None:
    """An apply and a scale are two entries; the later one counts, and nobody else's does."""
    entries = [
        managed("apituner", "DB_POOL_SIZE", operation="Apply", time="2026-11-23T10:00:00Z"),
        managed("apituner", subresource="scale", time="2026-11-23T10:30:00Z"),
        managed("helm", "LOG_LEVEL", time="2026-11-23T11:00:00Z"),
    ]

    assert datetime(2026, 11, 23, 10, 30, tzinfo=UTC) == ownership.written_at(a_deployment(metadata={"managedFields": entries}))
    assert ownership.written_at(a_deployment()) is None
