"""Deployments of a real API with the exporter that a team already has."""

import sys
from collections.abc import Mapping
from typing import Any

PORT = 8000
METRICS_PORT = 9464
"""Of the exporters that do not serve their metrics at a path of the API."""
QUICK_S, SLOW_S, BACKGROUND_S = 0.02, 0.3, 0.4
"""How long its routes take."""

_UVICORN = ["-m", "uvicorn", "e2e.exporter_pod:app", "--host", "$(POD_IP)", "--port", str(PORT), "--no-access-log"]
# Each worker takes its own connections from the port, so that scrapes really meet now this one, now that one, once none is kept open.
_TWO_WORKERS = ["-m", "hypercorn", "e2e.exporter_pod:app", "--bind", f"$(POD_IP):{PORT}", "--workers", "2", "--keep-alive", "1"]


def an_api(namespace: str, name: str, env: Mapping[str, str], *, metrics_port: int = PORT, workers: int = 1) -> dict[str, Any]:
    """Return a Deployment of one pod; *env* finds Python, and chooses the exporter and its options."""
    variables: list[dict[str, Any]] = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    variables += [{"name": key, "value": value} for key, value in {"APITUNING_METRICS_HOST": "$(POD_IP)", **env}.items()]
    container = {
        "name": "api",
        "image": "api",
        "command": [sys.executable, *(_UVICORN if workers == 1 else _TWO_WORKERS)],
        "env": variables,
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": PORT}, "periodSeconds": 1},
    }
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": str(metrics_port), "prometheus.io/path": "/metrics"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
            },
        },
    }
