"""A pod's status, from the states of its containers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster.node.states import ContainerSnapshot, Running, State, Terminated, Waiting
from cluster.node.statuses import PodSnapshot, phase, status

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RUNNING = Running(started_at=NOON)
CREATING = Waiting(reason="ContainerCreating")
LOOPING = Waiting(reason="CrashLoopBackOff")


def ended(code: int) -> Terminated:
    """A run that ended with *code*."""
    return Terminated(exit_code=code, reason="Completed" if code == 0 else "Error", started_at=NOON, finished_at=NOON)


def a_container(state: State, *, last: Terminated | None = None, ready: bool = False) -> ContainerSnapshot:
    """A container in *state*."""
    return ContainerSnapshot(name="api", image="none", state=state, last=last, restarts=0, started=True, ready=ready, process=None)


@pytest.mark.parametrize(
    ("expected", "policy", "containers"),
    [
        pytest.param("Pending", "Always", [a_container(CREATING)], id="one that never ran"),
        pytest.param("Pending", "Always", [a_container(RUNNING), a_container(CREATING)], id="one of two that never ran"),
        pytest.param("Running", "Always", [a_container(RUNNING)], id="one that runs"),
        pytest.param("Running", "Always", [a_container(LOOPING, last=ended(1))], id="a crash loop is no pending pod"),
        pytest.param("Running", "Always", [a_container(ended(0))], id="one that is about to be restarted"),
        pytest.param("Succeeded", "Never", [a_container(ended(0))], id="a job that is done"),
        pytest.param("Failed", "Never", [a_container(ended(0)), a_container(ended(1))], id="one of two that failed"),
        pytest.param("Running", "OnFailure", [a_container(ended(1))], id="a failure that is tried again"),
        pytest.param("Succeeded", "OnFailure", [a_container(ended(0))], id="a success that is not"),
    ],
)
def test_phase(expected: str, policy: str, containers: list[ContainerSnapshot]) -> None:
    """The phase follows the kubelet's rules."""
    assert expected == phase(containers, initialized=True, policy=policy)


def reported(container: ContainerSnapshot, *, pod: dict[str, Any] | None = None, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The status of a pod with one container, a minute past noon."""
    manifest = {"metadata": {}, "spec": {}} | (pod or {})
    seen = PodSnapshot(pod=manifest, pod_ip="127.1.2.3", started_at=NOON, containers=[container], init=[], over=False)
    return status(seen, before=before or {}, now=NOON + timedelta(minutes=1))


def ready(told: dict[str, Any]) -> dict[str, Any]:
    """The condition Ready."""
    condition: dict[str, Any] = next(c for c in told["conditions"] if c["type"] == "Ready")
    return condition


def test_an_unready_container_is_named() -> None:
    """The message of Ready says which container is missing."""
    condition = ready(reported(a_container(RUNNING)))

    assert (condition["status"], condition["reason"]) == ("False", "ContainersNotReady")
    assert condition["message"] == "containers with unready status: [api]"


def test_the_time_of_a_transition_is_kept_while_nothing_changes() -> None:
    """Readiness that lasts is as old as it is; one that changes is new."""
    before = {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T12:00:00Z"}]}

    assert ready(reported(a_container(RUNNING, ready=True), before=before))["lastTransitionTime"] == "2026-01-01T12:00:00Z"
    assert ready(reported(a_container(RUNNING, ready=False), before=before))["lastTransitionTime"] == "2026-01-01T12:01:00Z"


def test_a_closed_readiness_gate_keeps_the_pod_unready() -> None:
    """All containers may be ready and the pod is not, until whoever owns the gate opens it."""
    pod = {"spec": {"readinessGates": [{"conditionType": "open"}]}}
    opened = pod | {"status": {"conditions": [{"type": "open", "status": "True"}]}}

    assert ready(reported(a_container(RUNNING, ready=True), pod=pod))["reason"] == "ReadinessGatesNotReady"
    assert ready(reported(a_container(RUNNING, ready=True), pod=opened))["status"] == "True"
