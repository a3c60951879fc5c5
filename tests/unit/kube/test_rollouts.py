"""How a Deployment replaces its pods, and what its pod template is apart from our own settings."""

from typing import Any

import pytest

from apituner.core.strategy import Strategy
from apituner.core.workload import SettingName, Workload
from apituner.kube.deployment import workload
from apituner.ports import Target
from deployments import a_container, a_deployment, a_target


def read(deployment: dict[str, Any], target: Target | None = None) -> Workload:
    """Read a Deployment that has no fault."""
    result = workload(deployment, target or a_target(), None)
    assert isinstance(result, Workload)
    return result


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        pytest.param(Strategy(), {}, id="nothing said: as the API server fills it in"),
        pytest.param(
            Strategy(max_surge="1", max_unavailable="10%"),
            {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "10%"}}}},
            id="a number and a share",
        ),
        pytest.param(Strategy(max_surge="0"), {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0}}}}, id="nought is not the default"),
        pytest.param(Strategy(recreate=True), {"spec": {"strategy": {"type": "Recreate"}}}, id="all at once"),
        pytest.param(Strategy(min_ready_s=36), {"spec": {"minReadySeconds": 36}}, id="how long a pod must be ready"),
        pytest.param(Strategy(grace_s=90), {"pod": {"terminationGracePeriodSeconds": 90}}, id="how long a pod may take to end"),
        pytest.param(Strategy(grace_s=0), {"pod": {"terminationGracePeriodSeconds": 0}}, id="killed at once"),
    ],
)
def test_p2_the_strategy_of_a_deployment(expected: Strategy, changes: dict[str, Any]) -> None:
    """All that the peak of a rollout depends on."""
    assert expected == read(a_deployment(**changes)).strategy


@pytest.mark.parametrize(("expected", "gone"), [(True, False), (False, True)], ids=["it counts them", "an older one does not"])
def test_p2_whether_the_server_counts_terminating_pods(expected: bool, gone: bool) -> None:  # noqa: FBT001 - a table's columns
    """None counted is not none there."""
    deployment = a_deployment()
    if gone:
        del deployment["status"]["terminatingReplicas"]

    assert expected is read(deployment).tells_of_ending_pods


def env(**values: str) -> dict[str, Any]:
    """Return a container with these variables."""
    return a_container(env=[{"name": name, "value": value} for name, value in values.items()])


USUAL = env(DB_POOL_SIZE="5", LOG_LEVEL="info")


@pytest.mark.parametrize(
    ("same", "deployment"),
    [
        pytest.param(True, a_deployment(USUAL), id="nothing changed"),
        pytest.param(True, a_deployment(env(LOG_LEVEL="info", DB_POOL_SIZE="9", WEB_CONCURRENCY="2")), id="our own settings"),
        pytest.param(True, a_deployment(env(LOG_LEVEL="info")), id="a setting that is gone"),
        pytest.param(True, a_deployment(USUAL, spec={"replicas": 9}), id="another number of pods"),
        pytest.param(
            True, a_deployment(USUAL, template_annotations={"kubectl.kubernetes.io/restartedAt": "2026-11-23T12:00:00Z"}), id="a restart"
        ),
        pytest.param(False, a_deployment({**USUAL, "image": "orders:2"}), id="another image"),
        pytest.param(False, a_deployment(env(DB_POOL_SIZE="5", LOG_LEVEL="debug")), id="another variable"),
        pytest.param(False, a_deployment(USUAL, template_annotations={"checksum/config": "1"}), id="another annotation"),
        pytest.param(False, a_deployment(USUAL, pod={"terminationGracePeriodSeconds": 90}), id="another grace period"),
    ],
)
def test_a_release_that_is_not_ours_shows(same: bool, deployment: dict[str, Any]) -> None:  # noqa: FBT001 - a table's column
    """The hash moves exactly when somebody else changed what a pod is."""
    usual, found = read(a_deployment(USUAL)).template_hash, read(deployment).template_hash

    assert same is (usual == found)


def test_a_variable_of_another_container_is_not_ours() -> None:
    """Only the tuned container's settings are left out."""
    target = a_target(container="api", variables=((SettingName.POOL_SIZE, "DB_POOL_SIZE"),))
    hashes = {read(a_deployment(USUAL, {**env(DB_POOL_SIZE=size), "name": "proxy"}), target).template_hash for size in ("5", "9")}

    assert len(hashes) == 2


def test_the_manifest_is_left_as_it_is() -> None:
    """It is the informer's."""
    deployment = a_deployment(USUAL, template_annotations={"kubectl.kubernetes.io/restartedAt": "2026-11-23T12:00:00Z"})
    before = str(deployment)
    read(deployment)

    assert before == str(deployment)
