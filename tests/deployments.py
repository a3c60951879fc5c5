"""Deployment manifests as the API server gives them back, and the target that reads them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apituner.core.policy import Objective
from apituner.core.workload import SettingName
from apituner.ports import Target

VARIABLES = (
    (SettingName.WORKERS, "WEB_CONCURRENCY"),
    (SettingName.POOL_SIZE, "DB_POOL_SIZE"),
    (SettingName.MAX_OVERFLOW, "DB_MAX_OVERFLOW"),
)


def a_target(**changes: Any) -> Target:  # noqa: ANN401 - any field of a Target
    """Return the ApiTuning `orders` of the Deployment `orders`, all three settings named."""
    target = Target(
        namespace="shop",
        name="orders",
        deployment="orders",
        container=None,
        variables=VARIABLES,
        objective=Objective(percentile=95, latency_s=0.25, error_ratio=0.01),
        source="default",
    )
    return replace(target, **changes)


def a_container(name: str = "api", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a container
    """Return a container with a pool of 5 in its env and nothing else of interest."""
    return {"name": name, "image": "orders:1", "env": [{"name": "DB_POOL_SIZE", "value": "5"}], "resources": {}, **changes}


def a_deployment(*containers: Mapping[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any part of it
    """Return two pods at rest. *changes* go into spec, status, metadata, template_annotations or pod."""
    manifest: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "orders", "namespace": "shop", "uid": "u-1", "resourceVersion": "1000", "generation": 3, "managedFields": []},
        "spec": {
            "replicas": 2,
            "progressDeadlineSeconds": 600,
            "template": {"metadata": {"labels": {"app": "orders"}}, "spec": {"containers": list(containers) or [a_container()]}},
        },
        "status": {
            "observedGeneration": 3,
            "replicas": 2,
            "updatedReplicas": 2,
            "readyReplicas": 2,
            "availableReplicas": 2,
            "terminatingReplicas": 0,
            "conditions": [progressing()],
        },
    }
    for part in ("metadata", "spec", "status"):
        manifest[part] |= changes.get(part, {})
    manifest["spec"]["template"]["metadata"]["annotations"] = changes.get("template_annotations", {})
    manifest["spec"]["template"]["spec"] |= changes.get("pod", {})
    return manifest


def progressing(reason: str = "NewReplicaSetAvailable", **changes: str) -> dict[str, str]:
    """Return the condition of the Deployment controller that tells how the rollout goes."""
    return {
        "type": "Progressing",
        "status": "True",
        "reason": reason,
        "message": 'ReplicaSet "orders-6d8" has successfully progressed.',
        "lastUpdateTime": "2026-11-23T11:00:00Z",
        "lastTransitionTime": "2026-11-23T09:00:00Z",
        **changes,
    }


def managed(
    manager: str,
    *variables: str,
    container: str = "api",
    operation: str = "Update",
    time: str = "2026-11-23T10:00:00Z",
    subresource: str = "",
) -> dict[str, Any]:
    """Return a managedFields entry that owns the literals of *variables* in *container*."""
    env: dict[str, dict[str, dict[str, str]]] = {
        f'k:{{"name":"{variable}"}}': {".": {}, "f:name": {}, "f:value": {}} for variable in variables
    }
    named = {f'k:{{"name":"{container}"}}': {".": {}, "f:name": {}, "f:env": {".": {}, **env}}}
    entry = {
        "manager": manager,
        "operation": operation,
        "apiVersion": "apps/v1",
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": named}}}},
    }
    return entry | ({"subresource": subresource} if subresource else {})
