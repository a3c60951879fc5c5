"""A Deployment's manifest as a Workload: pure, so every odd manifest is one line of a test's table."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from apituner.core.workload import Autoscaler, Setting, SettingName, TargetFault, Workload
from apituner.kube import ownership, rollouts
from apituner.kube.quantities import quantity
from apituner.kube.variables import setting
from apituner.ports import Target

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_NO_DEADLINE = 2**31 - 1
"""With this progressDeadlineSeconds the Deployment controller keeps no Progressing condition (k8s.io/kubernetes, HasProgressDeadline)."""


def workload(deployment: Mapping[str, Any], target: Target, autoscaler: Autoscaler | None) -> Workload | TargetFault:
    """What a decision needs to know of the Deployment, or why it cannot be tuned and what to write instead."""
    metadata, spec, status = deployment["metadata"], deployment["spec"], deployment.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return TargetFault(reason="TargetBeingDeleted", because=f"Deployment {target.deployment} is being deleted")
    if spec.get("progressDeadlineSeconds") == _NO_DEADLINE:
        because = f"Deployment {target.deployment} never says that a rollout is complete; set its spec.progressDeadlineSeconds to 600"
        return TargetFault(reason="NoProgressDeadline", because=because)
    container = chosen_container(deployment, target)
    if isinstance(container, TargetFault):
        return container
    requests, limits = _resources(deployment, container)
    return Workload(
        replicas=spec.get("replicas", 1),
        ready_replicas=status.get("readyReplicas", 0),
        updated_replicas=status.get("updatedReplicas", 0),
        total_replicas=status.get("replicas", 0),
        terminating_replicas=status.get("terminatingReplicas", 0),
        generation=metadata.get("generation", 0),
        observed_generation=status.get("observedGeneration", 0),
        resource_version=metadata["resourceVersion"],
        rolled_out_at=_rolled_out_at(deployment),
        written_at=ownership.written_at(deployment),
        paused=spec.get("paused", False),
        stuck_because=_stuck_because(status),
        # A limit of 0 is Kubernetes' word for none.
        cpu_request_cores=requests.get("cpu") or None,
        cpu_limit_cores=limits.get("cpu") or None,
        memory_limit_bytes=limits.get("memory") or None,
        settings=settings(deployment, container, target),
        autoscaler=autoscaler,
        strategy=rollouts.strategy(spec),
        template_hash=rollouts.template_hash(spec["template"], container["name"], [variable for _, variable in target.variables]),
        tells_of_ending_pods="terminatingReplicas" in status,
    )


def chosen_container(deployment: Mapping[str, Any], target: Target) -> Mapping[str, Any] | TargetFault:
    """The container whose settings are tuned: the one that the spec names, else the annotated default, else the only one."""
    template = deployment["spec"]["template"]
    containers: Mapping[str, Mapping[str, Any]] = {container["name"]: container for container in template["spec"]["containers"]}
    annotated = (template.get("metadata", {}).get("annotations") or {}).get(_DEFAULT_CONTAINER)
    wanted = target.container or annotated
    if wanted is None and len(containers) == 1:
        return next(iter(containers.values()))
    if wanted is not None and wanted in containers:
        return containers[wanted]
    choice = " or ".join(containers)
    if wanted is None:
        because = f"Deployment {target.deployment} has {len(containers)} containers; set spec.containerName to {choice}"
    elif target.container:
        because = f"Deployment {target.deployment} has no container {wanted}; set spec.containerName to {choice}"
    else:
        because = (
            f"Deployment {target.deployment} names {wanted} as its default container, but has none; set spec.containerName to {choice}"
        )
    return TargetFault(reason="ContainerNotFound", because=because)


def settings(deployment: Mapping[str, Any], container: Mapping[str, Any], target: Target) -> dict[SettingName, Setting]:
    """The settings that the target's knobs name, as the container has them."""
    return {
        name: setting(container, name, variable, owner=ownership.foreign_owner(deployment, container["name"], variable))
        for name, variable in target.variables
    }


def _rolled_out_at(deployment: Mapping[str, Any]) -> datetime | None:
    spec, status = deployment["spec"], deployment.get("status") or {}
    # Going back to a ReplicaSet that still exists leaves the old condition standing until the first pod moves; the counts show it.
    behind = status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0)
    if behind or status.get("updatedReplicas", 0) < spec.get("replicas", 1):
        return None
    progressing = _condition(status, "Progressing")
    if progressing.get("reason") != "NewReplicaSetAvailable":
        return None
    complete_at = datetime.fromisoformat(progressing["lastUpdateTime"])
    if "terminatingReplicas" in status:
        return complete_at
    # An older API server does not count terminating pods (KEP-3973). Unseen is not gone: they may live for their whole grace period.
    return complete_at + timedelta(seconds=spec["template"]["spec"].get("terminationGracePeriodSeconds", 30))


def _stuck_because(status: Mapping[str, Any]) -> str | None:
    failure, progressing = _condition(status, "ReplicaFailure"), _condition(status, "Progressing")
    # The failure names the cause (a quota, an admission rule); the deadline only says that time is up.
    if failure.get("status") == "True":
        return _sentence(failure)
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return _sentence(progressing)
    return None


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return next((condition for condition in status.get("conditions") or [] if condition["type"] == kind), {})


def _sentence(condition: Mapping[str, Any]) -> str:
    return f"{condition.get('reason')}: {condition.get('message', '')}"


def _resources(deployment: Mapping[str, Any], container: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    """Requests and limits of the container; the pod's own stand in where the container has none, as they bound it all the same."""
    pod = deployment["spec"]["template"]["spec"].get("resources") or {}
    own = container.get("resources") or {}
    limits = {**(pod.get("limits") or {}), **(own.get("limits") or {})}
    # A container with a limit and no request is given the limit as its request when the pod is made.
    requests = {**(pod.get("requests") or {}), **(own.get("limits") or {}), **(own.get("requests") or {})}
    return {name: quantity(text) for name, text in requests.items()}, {name: quantity(text) for name, text in limits.items()}
