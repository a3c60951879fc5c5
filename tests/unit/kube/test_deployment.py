"""A manifest becomes a Workload, or a fault that says what to write instead."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apituner.core.workload import SettingName, TargetFault, Workload
from apituner.kube.deployment import workload
from apituner.ports import Target
from deployments import a_container, a_deployment, a_target, managed, progressing


def read(deployment: dict[str, Any], target: Target | None = None) -> Workload:
    """Read a Deployment that has no fault."""
    result = workload(deployment, target or a_target(), None)
    assert isinstance(result, Workload)
    return result


def test_only_the_named_settings_are_read() -> None:
    """A knob that the spec leaves out is not even looked at."""
    target = a_target(variables=((SettingName.POOL_SIZE, "DB_POOL_SIZE"),))

    assert list(read(a_deployment(), target).settings) == [SettingName.POOL_SIZE]


def test_the_owner_of_a_literal_is_named() -> None:
    """The field manager stands beside the value, for the sentence that asks to yield or to take."""
    deployment = a_deployment(metadata={"managedFields": [managed("helm", "DB_POOL_SIZE", operation="Apply")]})

    assert read(deployment).settings[SettingName.POOL_SIZE].owner == "helm"


@pytest.mark.parametrize(
    ("expected", "wanted", "annotated", "names"),
    [
        pytest.param("api", None, None, ["api"], id="the only one"),
        pytest.param("api", "api", None, ["proxy", "api"], id="the one that the spec names"),
        pytest.param("api", None, "api", ["proxy", "api"], id="the annotated default"),
        pytest.param("api", "api", "proxy", ["proxy", "api"], id="the spec wins over the annotation"),
    ],
)
def test_which_container_is_tuned(expected: str, wanted: str | None, annotated: str | None, names: list[str]) -> None:
    """The spec decides, then the annotation, then there is only one."""
    containers = [a_container(name, env=[{"name": "DB_POOL_SIZE", "value": "7"}] if name == expected else []) for name in names]
    annotations = {"kubectl.kubernetes.io/default-container": annotated} if annotated else {}

    found = read(a_deployment(*containers, template_annotations=annotations), a_target(container=wanted))

    assert found.settings[SettingName.POOL_SIZE].value == 7


@pytest.mark.parametrize(
    ("reason", "sentence", "wanted", "changes"),
    [
        pytest.param(
            "ContainerNotFound",
            "Deployment orders has no container web; set spec.containerName to proxy or api",
            "web",
            {},
            id="the named container is not there",
        ),
        pytest.param(
            "ContainerNotFound",
            "Deployment orders has 2 containers; set spec.containerName to proxy or api",
            None,
            {},
            id="nobody says which one",
        ),
        pytest.param(
            "ContainerNotFound",
            "Deployment orders names web as its default container, but has none; set spec.containerName to proxy or api",
            None,
            {"template_annotations": {"kubectl.kubernetes.io/default-container": "web"}},
            id="the annotation names one that is not there",
        ),
        pytest.param(
            "TargetBeingDeleted",
            "Deployment orders is being deleted",
            "api",
            {"metadata": {"deletionTimestamp": "2026-11-23T11:00:00Z"}},
            id="on its way out",
        ),
        pytest.param(
            "NoProgressDeadline",
            "Deployment orders never says that a rollout is complete; set its spec.progressDeadlineSeconds to 600",
            "api",
            {"spec": {"progressDeadlineSeconds": 2147483647}},
            id="without a deadline there is no Progressing condition",
        ),
    ],
)
def test_a_target_that_cannot_be_tuned(reason: str, sentence: str, wanted: str | None, changes: dict[str, Any]) -> None:
    """The fault says what to write instead."""
    deployment = a_deployment(a_container("proxy"), a_container("api"), **changes)

    assert TargetFault(reason=reason, because=sentence) == workload(deployment, a_target(container=wanted), None)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        pytest.param(datetime(2026, 11, 23, 11, tzinfo=UTC), {}, id="complete: when the newest template was seen whole"),
        pytest.param(None, {"status": {"conditions": [progressing("ReplicaSetUpdated")]}}, id="under way"),
        pytest.param(None, {"status": {"conditions": []}}, id="just made"),
        pytest.param(None, {"metadata": {"generation": 4}}, id="the controller has not seen the newest spec"),
        pytest.param(None, {"status": {"updatedReplicas": 0}}, id="back to an old template: the condition is stale"),
    ],
)
def test_when_the_newest_template_was_rolled_out(expected: datetime | None, changes: dict[str, Any]) -> None:
    """Known only while every pod runs it: windows of metrics start there."""
    assert expected == read(a_deployment(**changes)).rolled_out_at


@pytest.mark.parametrize(
    ("expected", "conditions"),
    [
        pytest.param(None, [progressing()], id="nothing is wrong"),
        pytest.param(
            "ProgressDeadlineExceeded: timed out",
            [progressing("ProgressDeadlineExceeded", status="False", message="timed out")],
            id="time is up",
        ),
        pytest.param(
            "FailedCreate: exceeded quota",
            [
                progressing("ProgressDeadlineExceeded", status="False"),
                {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"},
            ],
            id="the failure says more than the deadline",
        ),
    ],
)
def test_why_a_rollout_is_stuck(expected: str | None, conditions: list[dict[str, str]]) -> None:
    """The Deployment's own words."""
    assert expected == read(a_deployment(status={"conditions": conditions})).stuck_because


def test_pods_that_may_still_terminate_unseen_are_waited_for() -> None:
    """A server that does not count terminating pods says nothing about them: old pods may live for the whole grace period."""
    deployment = a_deployment(pod={"terminationGracePeriodSeconds": 90})
    del deployment["status"]["terminatingReplicas"]

    assert read(deployment).rolled_out_at == datetime(2026, 11, 23, 11, 1, 30, tzinfo=UTC)


def test_counts_and_resources_are_read() -> None:
    """Every number of the Workload has its place in the manifest."""
    resources = {"requests": {"cpu": "250m"}, "limits": {"cpu": "1", "memory": "512Mi"}}
    status = {"replicas": 3, "updatedReplicas": 1, "readyReplicas": 2, "terminatingReplicas": 4, "observedGeneration": 2}
    found = read(a_deployment(a_container(resources=resources), status=status, spec={"paused": True, "replicas": 6}))

    assert (
        found.replicas,
        found.ready_replicas,
        found.updated_replicas,
        found.total_replicas,
        found.terminating_replicas,
    ) == (6, 2, 1, 3, 4)
    assert (found.generation, found.observed_generation, found.resource_version, found.paused) == (3, 2, "1000", True)
    assert (found.cpu_request_cores, found.cpu_limit_cores, found.memory_limit_bytes) == (0.25, 1.0, 512 * 2**20)


def test_the_pods_resources_stand_in_for_the_containers() -> None:
    """A limit on the whole pod bounds the container; a limit without a request is its request too."""
    pod = {"resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}
    found = read(a_deployment(a_container(resources={"limits": {"cpu": "1"}}), pod=pod))

    assert (found.cpu_request_cores, found.cpu_limit_cores, found.memory_limit_bytes) == (1.0, 1.0, 2**30)


def test_a_deployment_that_was_just_made_has_no_status() -> None:
    """All counts are zero until the controller has looked."""
    deployment = a_deployment()
    deployment["status"] = {}
    found = read(deployment)

    assert (
        found.ready_replicas,
        found.updated_replicas,
        found.total_replicas,
        found.observed_generation,
        found.rolled_out_at,
    ) == (0, 0, 0, 0, None)
