"""Sets the stage: namespaces, the orders API with its starved pool, the operator by its chart, the load."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster import LocalCluster

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = Path(__file__).parent / "manifests"

# Short, so that the story is: the operator's own defaults are 15 s and 60 s.
SWEEP_S = 5
WINDOW_S = 20


def raise_the_api(cluster: LocalCluster) -> None:
    """Start the orders API, two pods with two connections each, and wait until it serves."""
    dsn = cluster.postgres.dsn(database="orders", driver="postgresql+asyncpg")
    cluster.kubectl("create", "namespace", "shop")
    cluster.kubectl("create", "secret", "generic", "orders-db", "-n", "shop", f"--from-literal=url={dsn}")
    cluster.kubectl("apply", "-n", "shop", "-f", str(MANIFESTS / "orders.yaml"))
    cluster.kubectl("rollout", "status", "deployment/orders", "-n", "shop", "--timeout=60s")


def install_the_operator(cluster: LocalCluster) -> None:
    """Install the chart as a user would, and wait until the operator is ready."""
    cluster.helm(
        "install",
        "apituner",
        str(ROOT / "charts" / "apituner"),
        "--namespace=apituner",
        "--create-namespace",
        f"--set=prometheus.url={cluster.prometheus.url}",
        f"--set=sweep.intervalSeconds={SWEEP_S}",
        f"--set=sweep.windowSeconds={WINDOW_S}",
    )
    cluster.kubectl("rollout", "status", "deployment/apituner", "-n", "apituner", "--timeout=60s")


@contextmanager
def load(cluster: LocalCluster, answers: Path, *routes: str, rps: float) -> Iterator[subprocess.Popen[bytes]]:
    """Send requests while the context is entered; each is one line in *answers*."""
    command = [sys.executable, "-m", "demo.load", "--kubeconfig", str(cluster.kubeconfig), "--rps", str(rps), "--out", str(answers)]
    for route in routes:
        command += ["--route", route]
    process = subprocess.Popen(command, env={**os.environ, **cluster.image_env})
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until(what: Callable[[], bool], *, within_s: float) -> bool:
    """Say whether *what* came true in time."""
    deadline = time.monotonic() + within_s
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.25)
    return True
