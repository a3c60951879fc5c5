"""The operator as a user has it: installed by the chart with helm, running as a pod under its own account; and shops to tune."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from cluster import LocalCluster

CHART = Path(__file__).resolve().parents[1] / "charts" / "apituner"
NAMESPACE = "apituner"
SWEEP_S = 2
WINDOW_S = 10

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A release of the chart, and what a user would do around it."""

    cluster: LocalCluster

    def apply(self, *manifests: Json) -> None:
        """Apply manifests, as kubectl does."""
        self.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(manifests))

    def get(self, kind: str, namespace: str, name: str) -> Json:
        """Return one object as it is."""
        found: Json = json.loads(self.cluster.kubectl("get", kind, name, "-n", namespace, "-o", "json"))
        return found

    def status(self, namespace: str, name: str) -> Json:
        """Return an ApiTuning's status."""
        status: Json = self.get("apitunings.apituner.dev", namespace, name).get("status") or {}
        return status

    def condition(self, namespace: str, name: str, kind: str) -> Json:
        """Return one condition of an ApiTuning; empty before it is there."""
        conditions = self.status(namespace, name).get("conditions") or ()
        return next((one for one in conditions if one["type"] == kind), {})

    def processes(self) -> list[psutil.Process]:
        """Return the operator's processes that this cluster runs."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def log(self) -> str:
        """Return what the operator printed, in all of its runs."""
        pods = json.loads(self.cluster.kubectl("get", "pods", "-n", NAMESPACE, "-o", "json"))["items"]
        return "".join(self.cluster.logs(NAMESPACE, pod["metadata"]["name"]) for pod in pods)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.cmdline()[1:4] != ["-m", "apituner", "run"]:
                return False
            kubeconfig: str = process.environ().get("KUBECONFIG", "")
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            return False
        return kubeconfig.startswith(str(self.cluster.kubeconfig.parent))


@contextmanager
def installed(cluster: LocalCluster, *values: str) -> Iterator[Installed]:
    """Install the chart, wait until the operator is ready, and uninstall it in the end."""
    settings = (f"prometheus.url={cluster.prometheus.url}", f"sweep.intervalSeconds={SWEEP_S}", f"sweep.windowSeconds={WINDOW_S}", *values)
    arguments = [f"--set={one}" for one in settings]
    cluster.helm("install", "apituner", str(CHART), f"--namespace={NAMESPACE}", "--create-namespace", *arguments)
    try:
        cluster.kubectl("rollout", "status", "deployment/apituner", "-n", NAMESPACE, "--timeout=60s")
        yield Installed(cluster=cluster)
    finally:
        cluster.helm("uninstall", "apituner", f"--namespace={NAMESPACE}", "--wait")


def eventually(what: Callable[[], Any], *, within_s: float = 30) -> Any:  # noqa: ANN401 - whatever is waited for
    """Return the first true answer of *what*; fail when there is none in time."""
    deadline = time.monotonic() + within_s
    while not (answer := what()):
        assert time.monotonic() < deadline, f"not seen within {within_s:g} s, last answer {answer!r}"
        time.sleep(0.1)
    return answer


def a_shop(namespace: str, name: str = "shop", *, replicas: int = 2, pool: int | Json = 2, args: tuple[str, ...] = ()) -> Json:
    """Return a Deployment of shops; *pool* is the size, or what DB_POOL_SIZE is valued from."""
    size = {"value": str(pool)} if isinstance(pool, int) else {"valueFrom": pool}
    container = {
        "name": "api",
        "image": "shop",
        "command": [sys.executable, str(Path(__file__).with_name("e2e") / "shop_pod.py")],
        "args": list(args),
        "env": [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "WEB_CONCURRENCY", "value": "1"},
            {"name": "DB_POOL_SIZE", **size},
            {"name": "DB_MAX_OVERFLOW", "value": "0"},
        ],
    }
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": "9464", "prometheus.io/path": "/metrics"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
            },
        },
    }


def a_tuning(namespace: str, name: str = "shop", *, target: str | None = None, **spec: Any) -> Json:  # noqa: ANN401 - parts of the spec
    """Return an ApiTuning that may act, and take over what the manifest set."""
    return {
        "apiVersion": "apituner.dev/v1alpha1",
        "kind": "ApiTuning",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "targetRef": {"name": target or name},
            "mode": "Auto",
            "objective": {"latency": {"percentile": 95, "milliseconds": 250}},
            "knobs": {
                "replicas": {"min": 2, "max": 4},
                "workers": {"min": 1, "max": 1, "env": "WEB_CONCURRENCY"},
                "pool": {"min": 2, "max": 16, "sizeEnv": "DB_POOL_SIZE", "overflowEnv": "DB_MAX_OVERFLOW"},
            },
            "rollout": {"onConflict": "Take", "cooldownSeconds": 600},
            **spec,
        },
    }


def pool_size(deployment: Json) -> str:
    """Return the container's DB_POOL_SIZE."""
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    return str(next(one for one in env if one["name"] == "DB_POOL_SIZE").get("value"))
