"""Where to send a load: pods that are given, or the ready pods of a cluster."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Pods = Callable[[], Sequence[tuple[str, str]]]
"""The pods that may get a request, as (name, IP); called in a thread of its own, again and again."""


def fixed_pods(targets: Mapping[str, str]) -> Pods:
    """Return the same pods each time."""
    pods = list(targets.items())
    return lambda: pods


def ready_pods(kubeconfig: Path, namespace: str, selector: str) -> Pods:
    """Ask the API server for the pods that are ready and do not terminate."""
    from kubernetes import client, config  # noqa: PLC0415 - slow to import, and only needed here

    core = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))  # type: ignore[no-untyped-call]  # the client's lack

    def ask() -> Sequence[tuple[str, str]]:
        # Undecoded: turning each pod into the client's objects costs more than the request.
        answer: Any = core.list_namespaced_pod(namespace, label_selector=selector, _request_timeout=5, _preload_content=False)
        return [(pod["metadata"]["name"], pod["status"]["podIP"]) for pod in json.loads(answer.data)["items"] if serves(pod)]

    return ask


def serves(pod: Mapping[str, Any]) -> bool:
    """Whether a Service would send requests to *pod*."""
    if "deletionTimestamp" in pod["metadata"] or not pod["status"].get("podIP"):
        return False
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in pod["status"].get("conditions", ()))
