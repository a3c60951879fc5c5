"""A manifest becomes a Workload, or a fault that says what to write instead."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apituner.core.workload import Setting, SettingName, SettingSource, TargetFault, Workload
from apituner.kube.deployment import workload
from apituner.ports import Target
from deployments import a_container, a_deployment, a_target, managed, progressing


def read(deployment: dict[str, Any], target: Target | None = None) -> Workload:
    """Read a Deployment that has no fault."""
    result = workload(deployment, target or a_target(), None)
    assert isinstance(result, Workload)
    return result


def pool_of(*env: dict[str, Any], **container: Any) -> Setting:  # noqa: ANN401 - any field of a container
    """Read DB_POOL_SIZE from a container with this env."""
    return read(a_deployment(a_container(env=list(env), **container))).settings[SettingName.POOL_SIZE]


@pytest.mark.parametrize(
    ("source", "value", "detail", "env"),
    [
        pytest.param("Env", 5, "", [{"name": "DB_POOL_SIZE", "value": "5"}], id="a literal number is ours to set"),
        pytest.param("Default", None, "", [{"name": "OTHER", "value": "5"}], id="absent: the program's default holds"),
        pytest.param(
            "Secret",
            None,
            "key pool of Secret orders-db",
            [{"name": "DB_POOL_SIZE", "valueFrom": {"secretKeyRef": {"name": "orders-db", "key": "pool"}}}],
            id="from a Secret",
        ),
        pytest.param(
            "ConfigMap",
            None,
            "key pool of ConfigMap orders",
            [{"name": "DB_POOL_SIZE", "valueFrom": {"configMapKeyRef": {"name": "orders", "key": "pool"}}}],
            id="from a ConfigMap",
        ),
        pytest.param(
            "Field",
            None,
            "field metadata.labels['pool'] of the pod",
            [{"name": "DB_POOL_SIZE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['pool']"}}}],
            id="from the pod's own fields",
        ),
        pytest.param(
            "Field",
            None,
            "limits.cpu of the container",
            [{"name": "DB_POOL_SIZE", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}],
            id="from the container's resources",
        ),
        pytest.param(
            "Unreadable",
            None,
            "its value comes from fileKeyRef",
            [{"name": "DB_POOL_SIZE", "valueFrom": {"fileKeyRef": {"key": "pool"}}}],
            id="from a source that is not known here",
        ),
        pytest.param(
            "Unreadable", None, 'its value "five" is not a whole number', [{"name": "DB_POOL_SIZE", "value": "five"}], id="a word"
        ),
        pytest.param("Unreadable", None, 'its value "5.5" is not a whole number', [{"name": "DB_POOL_SIZE", "value": "5.5"}], id="half"),
        pytest.param("Unreadable", None, 'its value "" is not a whole number', [{"name": "DB_POOL_SIZE"}], id="empty"),
        pytest.param("Unreadable", None, 'its value "-1" is not a whole number', [{"name": "DB_POOL_SIZE", "value": "-1"}], id="no limit"),
        pytest.param("Unreadable", None, "its value 0 is less than 1", [{"name": "DB_POOL_SIZE", "value": "0"}], id="0 means no limit"),
        pytest.param(
            "Unreadable",
            None,
            "it stands 2 times in the container's env",
            [{"name": "DB_POOL_SIZE", "value": "5"}, {"name": "DB_POOL_SIZE", "value": "9"}],
            id="twice: the last one wins, and an apply would fail",
        ),
    ],
)
def test_where_a_setting_comes_from(source: str, value: int | None, detail: str, env: list[dict[str, Any]]) -> None:
    """A literal can be set; every other source is named so that a person can find it."""
    setting = pool_of(*env)

    assert (source, value, detail) == (setting.source, setting.value, setting.detail)


def test_an_absent_variable_may_still_come_from_env_from() -> None:
    """A literal wins over envFrom, so the variable is ours to set, but its present value is not known."""
    setting = pool_of(envFrom=[{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "orders-db"}}])

    assert (setting.source, setting.detail) == (SettingSource.DEFAULT, "unless ConfigMap settings or Secret orders-db sets it")


def test_a_flag_wins_over_the_variable_of_the_workers_only() -> None:
    """`--workers 4` makes WEB_CONCURRENCY idle; the pool's variables are none of its business."""
    env = [{"name": "WEB_CONCURRENCY", "value": "1"}, {"name": "DB_POOL_SIZE", "value": "5"}]
    settings = read(a_deployment(a_container(env=env, command=["uvicorn", "a:a", "--workers", "4"]))).settings

    workers = settings[SettingName.WORKERS]
    assert (workers.source, workers.value, workers.detail) == ("CommandLine", 4, "--workers 4 on the container's command line")
    assert settings[SettingName.POOL_SIZE].source is SettingSource.ENV


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
