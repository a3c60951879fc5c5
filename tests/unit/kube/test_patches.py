"""What is written, to the letter."""

import pytest

from apituner.core.plan import Rollout
from apituner.kube.deployment import settings
from apituner.kube.patches import apply_body, due_values, scale_body
from apituner.ports import NotWritten
from deployments import a_container, a_deployment, a_target, managed

_STEP = Rollout(workers=2, pool_size=14, max_overflow=0)


def test_an_apply_holds_the_knobs_and_nothing_else() -> None:
    """Names, values and the resource version that was seen: image and other variables are not even mentioned."""
    body = apply_body(a_deployment(), "api", {"DB_POOL_SIZE": 14})

    assert body == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "orders", "namespace": "shop", "resourceVersion": "1000"},
        "spec": {"template": {"spec": {"containers": [{"name": "api", "env": [{"name": "DB_POOL_SIZE", "value": "14"}]}]}}},
    }


def test_what_was_applied_before_is_applied_again_as_it_stands() -> None:
    """The API server deletes what an apply leaves out: a knob that leaves the spec keeps its value, in any container."""
    api = a_container(env=[{"name": "WEB_CONCURRENCY", "value": "3"}, {"name": "DB_POOL_SIZE", "value": "5"}])
    proxy = a_container("proxy", env=[{"name": "OLD", "value": "8"}, {"name": "REF", "valueFrom": {"secretKeyRef": {}}}])
    entries = [
        managed("apituner", "WEB_CONCURRENCY", "DB_POOL_SIZE", "GONE", operation="Apply"),
        managed("apituner", "OLD", "REF", container="proxy", operation="Apply"),
    ]

    body = apply_body(a_deployment(api, proxy, metadata={"managedFields": entries}), "api", {"DB_POOL_SIZE": 14})

    assert body["spec"]["template"]["spec"]["containers"] == [
        {"name": "api", "env": [{"name": "WEB_CONCURRENCY", "value": "3"}, {"name": "DB_POOL_SIZE", "value": "14"}]},
        {"name": "proxy", "env": [{"name": "OLD", "value": "8"}, {"name": "REF"}]},
    ]


@pytest.mark.parametrize(
    ("expected", "env"),
    [
        pytest.param({"WEB_CONCURRENCY": 2, "DB_POOL_SIZE": 14, "DB_MAX_OVERFLOW": 0}, {}, id="absent variables are set"),
        pytest.param({"DB_POOL_SIZE": 14, "DB_MAX_OVERFLOW": 0}, {"WEB_CONCURRENCY": "2"}, id="what stands as wanted is left alone"),
        pytest.param({}, {"WEB_CONCURRENCY": "2", "DB_POOL_SIZE": "14", "DB_MAX_OVERFLOW": "0"}, id="nothing is due any more"),
    ],
)
def test_only_what_differs_is_due(expected: dict[str, int], env: dict[str, str]) -> None:
    """A value that somebody else already set as wanted stays theirs."""
    container = a_container(env=[{"name": name, "value": value} for name, value in env.items()])

    assert expected == due_values(settings(a_deployment(container), container, a_target()), _STEP, "api")


def test_a_setting_from_elsewhere_is_refused_with_its_place() -> None:
    """A literal beside a reference would be invalid, and a literal behind a flag would do nothing."""
    container = a_container(env=[{"name": "DB_POOL_SIZE", "valueFrom": {"secretKeyRef": {"name": "orders-db", "key": "pool"}}}])

    refused = due_values(settings(a_deployment(container), container, a_target()), _STEP, "api")

    assert refused == NotWritten(
        reason="SettingNotWritable",
        because="DB_POOL_SIZE of container api cannot be set: key pool of Secret orders-db; make it a plain number in env, or drop the knob",  # noqa: E501 - the sentence as the user reads it
    )


def test_a_scale_carries_the_version_that_was_seen() -> None:
    """The only two things in it."""
    assert scale_body(4, "1000") == {"metadata": {"resourceVersion": "1000"}, "spec": {"replicas": 4}}
