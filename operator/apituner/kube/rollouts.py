"""How a Deployment replaces its pods, and what its pod template is apart from our own settings."""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from apituner.core.strategy import Strategy

_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def strategy(spec: Mapping[str, Any]) -> Strategy:
    """Return the rollout strategy of a Deployment's *spec*; what it leaves out is as the API server would fill it in."""
    usual, asked = Strategy(), spec.get("strategy") or {}
    rolling = asked.get("rollingUpdate") or {}
    grace_s = spec["template"]["spec"].get("terminationGracePeriodSeconds")
    return Strategy(
        recreate=asked.get("type") == "Recreate",
        max_surge=str(rolling.get("maxSurge", usual.max_surge)),
        max_unavailable=str(rolling.get("maxUnavailable", usual.max_unavailable)),
        min_ready_s=float(spec.get("minReadySeconds") or 0),
        grace_s=usual.grace_s if grace_s is None else float(grace_s),
    )


def template_hash(template: Mapping[str, Any], container: str, variables: Collection[str]) -> str:
    """
    Return twelve letters that stand for a pod template without *variables* of *container*: another one is somebody else's release.

    The API server's own hash moves with our variables too, and stands on ReplicaSets, which would have to be read. A restart by kubectl
    changes an annotation and nothing that an API does.
    """
    said = json.loads(json.dumps(template))
    for one in said["spec"]["containers"]:
        if one["name"] == container:
            one["env"] = [entry for entry in one.get("env") or [] if entry.get("name") not in variables]
    annotations = (said.get("metadata") or {}).get("annotations") or {}
    annotations.pop(_RESTARTED_AT, None)
    said["metadata"] = {**(said.get("metadata") or {}), "annotations": annotations}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]
