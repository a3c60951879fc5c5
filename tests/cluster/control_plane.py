"""etcd, the API server, the controller-manager and the scheduler: how each is started, and when it is ready."""

from dataclasses import dataclass
from pathlib import Path

from cluster.credentials import Credentials
from cluster.ports import free_port
from cluster.programs import Program, Supervision
from cluster.web import answers

# These publish the addresses of pods behind Services, and refuse loopback addresses: who needs pods asks for the ready ones.
LEFT_OUT = ("endpoints-controller", "endpointslice-controller", "endpointslice-mirroring-controller")


class Etcd:
    """The store of the API server; it forgets with the cluster, so it need not wait for the disk."""

    def __init__(self, supervision: Supervision, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._relocate()
        self.program = Program(
            supervision=supervision, name="etcd", folder=folder, argv=self._argv, relocate=self._relocate,
            ready=lambda: answers(f"{self.url}/readyz"),
        )  # fmt: skip

    def _relocate(self) -> None:
        self.url, self._peer = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"

    def _argv(self) -> list[str | Path]:
        return [
            self._binary, "--name=local", f"--data-dir={self._folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn",
            f"--listen-client-urls={self.url}", f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={self._peer}", f"--initial-advertise-peer-urls={self._peer}", f"--initial-cluster=local={self._peer}",
        ]  # fmt: skip


class ApiServer:
    """The API server: RBAC, ServiceAccount admission and bound tokens, as in a real cluster."""

    def __init__(self, supervision: Supervision, binary: Path, folder: Path, *, etcd: Etcd, credentials: Credentials) -> None:
        self._binary = binary
        self._etcd = etcd
        self._credentials = credentials
        self._relocate()
        self.program = Program(
            supervision=supervision, name="kube-apiserver", folder=folder, argv=self._argv, relocate=self._relocate,
            ready=lambda: answers(f"{self.url}/readyz", authority=credentials.authority, token=credentials.admin_token),
        )  # fmt: skip

    def _relocate(self) -> None:
        self._port = free_port()

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"https://127.0.0.1:{self._port}"

    def _argv(self) -> list[str | Path]:
        files = self._credentials
        return [
            self._binary, f"--etcd-servers={self._etcd.url}", "--bind-address=127.0.0.1", f"--secure-port={self._port}",
            f"--tls-cert-file={files.serving_certificate}", f"--tls-private-key-file={files.serving_key}",
            f"--token-auth-file={files.tokens}", "--authorization-mode=RBAC",
            f"--service-account-key-file={files.service_account_key}", f"--service-account-signing-key-file={files.service_account_key}",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none",  # it would publish a loopback address, and fail every 10 s
            "--shutdown-delay-duration=0s",
        ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Controllers:
    """The two programs that act on what the API server stores; leader election would only cost them time."""

    supervision: Supervision
    folder: Path
    kubeconfig: Path
    credentials: Credentials

    def manager(self, binary: Path) -> Program:
        """ReplicaSets, rollouts, ServiceAccounts, HorizontalPodAutoscalers, garbage collection."""
        controllers = ",".join(("*", *(f"-{name}" for name in LEFT_OUT)))
        return self._program("kube-controller-manager", [
            binary, f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0", f"--controllers={controllers}",
            f"--service-account-private-key-file={self.credentials.service_account_key}", f"--root-ca-file={self.credentials.authority}",
            "--kube-api-qps=200", "--kube-api-burst=400",
            # The one node may be starved for a while on a busy machine; its pods live on, and must not be called unready for that.
            "--node-monitor-grace-period=5m",
        ])  # fmt: skip

    def scheduler(self, binary: Path) -> Program:
        """Puts every pod on the one node."""
        return self._program("kube-scheduler", [
            binary, f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0",
            "--kube-api-qps=200", "--kube-api-burst=400",
        ])  # fmt: skip

    def _program(self, name: str, argv: list[str | Path]) -> Program:
        return Program(supervision=self.supervision, name=name, folder=self.folder, argv=lambda: argv, ready=lambda: True)
