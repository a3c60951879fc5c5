"""What is built: each family of programs, the pins it is built from, and how."""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parents[1] / "go"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Programs that share one go.mod; *minutes* is what the build took alone on 2 cores, modules and standard library included."""

    name: str
    version: str
    packages: dict[str, str]
    minutes: float
    tags: str = ""
    stamps: tuple[tuple[str, str], ...] = ()

    @property
    def module(self) -> Path:
        """The folder with the go.mod that pins it."""
        return MODULES / self.name

    @property
    def flags(self) -> tuple[str, ...]:
        """Small, and the same wherever they were built: no symbol tables, no paths of the machine."""
        stamps = "".join(f" -X {key}={value}" for key, value in self.stamps)
        return ("-trimpath", "-buildvcs=false", f"-tags={self.tags}", f"-ldflags=-s -w{stamps}")

    @property
    def key(self) -> str:
        """The name of its folder in the cache."""
        digest = hashlib.sha256()
        for part in (self.module / "go.mod", self.module / "go.sum"):
            digest.update(part.read_bytes())
        digest.update(" ".join((*self.flags, *self.packages.values(), platform.system(), platform.machine())).encode())
        return f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


FAMILIES = (
    Family(name="helm", version="4.3.1", packages={"helm": "helm.sh/helm/v4/cmd/helm"}, minutes=3),
    Family(
        name="prometheus",
        version="3.16.0",
        packages={"prometheus": "github.com/prometheus/prometheus/cmd/prometheus"},
        tags="remove_all_sd,enable_kubernetes_sd",  # the discoveries of two dozen clouds are most of its code
        minutes=3,
    ),
    Family(
        name="kubernetes",
        version="1.37.2",
        packages={
            "etcd": "go.etcd.io/etcd/server/v3",
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
            "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
        },
        stamps=(  # clients refuse odd things of a server that calls itself v0.0.0
            ("k8s.io/component-base/version.gitVersion", "v1.37.2"),
            ("k8s.io/component-base/version.gitMajor", "1"),
            ("k8s.io/component-base/version.gitMinor", "37"),
        ),
        minutes=8,
    ),
)
