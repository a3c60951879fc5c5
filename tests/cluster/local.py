"""The whole cluster: started in the order in which its parts need each other, asked by tests, and gone in the end."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cluster import binaries, credentials
from cluster.control_plane import ApiServer, Controllers, Etcd
from cluster.folders import Folders
from cluster.narration import narrate
from cluster.node.logs import printed
from cluster.postgres import Postgres
from cluster.programs import POLL_S, TESTS, ClusterError, Program, Supervision
from cluster.prometheus import Prometheus

NODE_NAME = "local"
PROJECT = TESTS.parent
START_WITHIN_S = 120.0  # 12 s on 2 idle cores; the rest is patience with busy ones


class LocalCluster:
    """
    One control plane with one node, a Prometheus and a PostgreSQL, on loopback, in one folder.

    Made by `start`, which builds missing programs first. `apiserver`, `prometheus` and `postgres` can be stopped, started, paused and
    resumed, for tests of faults.
    """

    def __init__(self, supervision: Supervision, folders: Folders, *, scrape_interval_s: float) -> None:
        programs = self._programs = binaries.ensure()
        folder = self._folder = folders.main
        self._folders = (folders.main, folders.database)
        self._supervision = supervision
        self.image_env = image_env()
        self.kubeconfig = folder / "admin.kubeconfig"
        self._credentials = credentials.issue(folder / "credentials")
        self.postgres = Postgres(self._supervision, folders.database)
        self._etcd = Etcd(self._supervision, programs["etcd"], folder)
        self._apiserver = ApiServer(self._supervision, programs["kube-apiserver"], folder, etcd=self._etcd, credentials=self._credentials)
        self.apiserver = self._apiserver.program
        controllers = Controllers(supervision=self._supervision, folder=folder, kubeconfig=self.kubeconfig, credentials=self._credentials)
        self._controller_manager = controllers.manager(programs["kube-controller-manager"])
        self._scheduler = controllers.scheduler(programs["kube-scheduler"])
        settings = {
            "folder": str(folder),
            "kubeconfig": str(self.kubeconfig),
            "node": NODE_NAME,
            "cgroup": str(folders.cgroup),
            "env": self.image_env,
        }
        self._node = Program(
            supervision=self._supervision, name="node", folder=folder, env={"PYTHONPATH": str(TESTS)}, ready=self._node_ready,
            argv=lambda: [sys.executable, "-m", "cluster.node", json.dumps(settings)],
        )  # fmt: skip
        self.prometheus = Prometheus(
            self._supervision, programs["prometheus"], folder, kubeconfig=self.kubeconfig, scrape_interval_s=scrape_interval_s
        )

    @classmethod
    def start(cls, root: Path | None = None, *, scrape_interval_s: float = 2.0) -> Self:
        """
        Start a cluster, saying on stderr what happens; use it as a context manager, or call `stop`.

        *root* is the folder of all its files: empty or not there yet, removed in the end, a temporary one by default.
        """
        binaries.ensure()
        folders = Folders.made(root)
        began = time.monotonic()
        narrate(f"starting a cluster in {folders.main} ...")
        supervision = Supervision(folders=[folders.main, folders.database], cgroups=[folders.cgroup])
        try:
            cluster = cls(supervision, folders, scrape_interval_s=scrape_interval_s)
            cluster._start()
        except BaseException:
            supervision.close()
            raise
        narrate(f"the cluster is ready after {time.monotonic() - began:.1f} s")
        return cluster

    def _start(self) -> None:
        """What needs nobody first; then the API server; then all that talk to it, side by side."""
        self.postgres.creation.launch()
        self._etcd.program.start()
        self.apiserver.launch()
        self.postgres.create()
        self.apiserver.wait_ready()
        admin = credentials.kubeconfig(
            server=self._apiserver.url, authority=self._credentials.authority.read_bytes(), token=self._credentials.admin_token
        )
        credentials.write_private(self.kubeconfig, admin)
        others = (self._node, self._controller_manager, self._scheduler, self.prometheus.program, self.postgres.program)
        for program in others[:4]:
            program.launch()
        for program in others:
            program.wait_ready()
        # Admission refuses a pod whose ServiceAccount the controller-manager has not made yet.
        self.wait_for(lambda: "default" in self._names("serviceaccounts", "default"), "the default ServiceAccount")

    def stop(self) -> None:
        """End all processes and remove all files; doing it twice does no harm."""
        self._supervision.close()

    def __enter__(self) -> Self:
        """Be the context manager that `start` promises."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop, whatever happened."""
        self.stop()

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> str:  # noqa: A002 -- as in subprocess
        """What kubectl prints on stdout, as the administrator; with *check*, its failure is an error that holds its stderr."""
        return self._run("kubectl", *arguments, input=input, check=check)

    def helm(self, *arguments: str, input: str | None = None, check: bool = True) -> str:  # noqa: A002 -- as in subprocess
        """What helm prints on stdout, as the administrator."""
        return self._run("helm", *arguments, input=input, check=check)

    def get(self, *arguments: str) -> Any:  # noqa: ANN401 -- whatever JSON comes
        """What `kubectl get` knows, decoded."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def ready_pods(self, namespace: str, label_selector: str) -> list[tuple[str, str]]:
        """Name and IP of each pod that a Service would send traffic to: ready, and not on its way out."""
        pods = self.get("pods", "-n", namespace, "-l", label_selector)["items"]
        return [
            (pod["metadata"]["name"], pod["status"]["podIP"])
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
            and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
        ]

    def logs(self, namespace: str, pod: str, container: str | None = None) -> str:
        """What the containers of a pod printed, previous runs first; also of a pod that is gone."""
        return printed(self._folder / "logs", namespace=namespace, pod=pod, container=container)

    def log(self, program: str) -> str:
        """What a program of the cluster itself printed: "kube-apiserver", "node", "prometheus", "postgres", ..."""
        (file,) = [folder / f"{program}.log" for folder in self._folders if (folder / f"{program}.log").exists()]
        return file.read_text(errors="replace")

    def wait_for(self, condition: Callable[[], object], what: str, *, within_s: float = START_WITHIN_S) -> None:
        """Wait until *condition* holds, or say that *what* did not come."""
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                raise ClusterError(f"Waited {within_s:.0f} s in vain for {what}.")
            time.sleep(POLL_S)

    def _run(self, name: str, *arguments: str, input: str | None, check: bool) -> str:  # noqa: A002 -- as in subprocess
        # helm keeps caches below HOME: they belong to the cluster. A proxy of the user's is not asked for loopback.
        env = {
            "PATH": f"{self._programs['helm'].parent}:{self.image_env['PATH']}",
            "HOME": str(self._folder),
            "KUBECONFIG": str(self.kubeconfig),
        }
        done = subprocess.run([self._programs[name], *arguments], input=input, capture_output=True, text=True, check=False, env=env)
        if check and done.returncode:
            raise ClusterError(f"{name} {' '.join(arguments)} failed ({done.returncode}): {done.stderr.strip()}")
        return done.stdout

    def _names(self, *arguments: str) -> list[str]:
        return self.kubectl("get", arguments[0], "-n", arguments[1], "-o", "jsonpath={.items[*].metadata.name}", check=False).split()

    def _node_ready(self) -> bool:
        # Ready, and no longer tainted as new: before that, the scheduler gives it no pod.
        known = self.kubectl("get", "node", NODE_NAME, "-o", "json", check=False)
        node = json.loads(known) if known else {}
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", []))
        return ready and not node["spec"].get("taints")


def image_env() -> dict[str, str]:
    """What stands in for a container image: how a pod's process finds Python and the project."""
    return {
        "PATH": f"{Path(sys.prefix) / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": f"{PROJECT / 'operator'}:{TESTS}",
        "PYTHONUNBUFFERED": "1",  # or what a pod printed last would be lost when it is killed
        "LANG": "C.UTF-8",
    }
