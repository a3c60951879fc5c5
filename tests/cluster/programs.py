"""The harness's side of the supervisor: programs that can be started, stopped, paused and asked how they are."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
POLL_S = 0.05


class ClusterError(Exception):
    """The local cluster could not do its work; the message says which part, why, and where its log is."""


class Supervision:
    """A supervisor process, and the pipe whose end is its sign to clean up."""

    def __init__(self, *, folders: Sequence[Path], cgroups: Sequence[Path]) -> None:
        given = {"harness": os.getpid(), "folders": [str(f) for f in folders], "cgroups": [str(g) for g in cgroups]}
        self._process = subprocess.Popen(  # our own Python, our own module
            [sys.executable, "-m", "cluster.supervisor", json.dumps(given)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd="/", env=os.environ | {"PYTHONPATH": str(TESTS)}, start_new_session=True,
        )  # fmt: skip
        self._one_at_a_time = threading.Lock()  # a test may stop Prometheus in one thread and ask for logs in another

    def ask(self, do: str, **request: object) -> dict[str, Any]:
        """Send one request and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._one_at_a_time:
            try:
                self._process.stdin.write(json.dumps({"do": do} | request) + "\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline()
            except (BrokenPipeError, ValueError):  # gone, or closed by `close`
                line = ""
        if not line:
            raise ClusterError("The cluster has ended: start a new one.")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ClusterError(f"{request.get('name', do)}: {answer['error']}")
        return answer

    def close(self) -> None:
        """Have everything ended and removed, and wait until it is."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        # A second Ctrl-C must not leave before the cleaning is done: it goes on without us, but the caller would see leftovers.
        self._process.wait()
        self._process.stdout.close()


@dataclass(slots=True, kw_only=True)
class Program:
    """One program of the cluster; *argv* is a function, as the ports in it may change until the program has served once."""

    supervision: Supervision
    name: str
    argv: Callable[[], Sequence[str | Path]]
    ready: Callable[[], bool]
    folder: Path
    relocate: Callable[[], None] | None = None  # draws other ports; None once others know the address
    env: Mapping[str, str] = field(default_factory=dict)
    uid: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    timeout_s: float = 60.0  # a busy machine needs ten times the usual few seconds

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder / f"{self.name}.log"

    def launch(self) -> None:
        """Start it, without waiting."""
        self.supervision.ask(
            "start", name=self.name, argv=[str(word) for word in self.argv()], env={"PATH": "/usr/bin:/bin"} | dict(self.env),
            cwd=str(self.folder), log=str(self.log), uid=self.uid,
        )  # fmt: skip

    def exit_code(self) -> int | None:
        """The exit code, None while it runs."""
        code: int | None = self.supervision.ask("poll", name=self.name)["code"]
        return code

    def wait_ready(self) -> None:
        """Wait until it serves; if it ends instead because another took its port in the meantime, start it again elsewhere."""
        deadline = time.monotonic() + self.timeout_s
        while not self.ready():
            if (code := self.exit_code()) is not None:
                printed = self.log.read_text(errors="replace")
                if self.relocate and "address already in use" in printed.lower() and time.monotonic() < deadline:
                    self.log.write_text("")
                    self.relocate()
                    self.launch()
                    continue
                raise ClusterError(f"{self.name} ended with code {code}. Its last words:\n{printed[-2000:]}")
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"{self.name} was not ready after {self.timeout_s:.0f} s. Its last words:\n{self.log.read_text()[-2000:]}"
                )
            time.sleep(POLL_S)
        self.relocate = None

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """End it; what it stored stays."""
        self.supervision.ask("stop", name=self.name, signal=int(self.stop_signal), grace_s=self.grace_s)

    def kill(self) -> None:
        """End it as a crash would."""
        self.supervision.ask("stop", name=self.name, signal=int(signal.SIGKILL), grace_s=self.grace_s)

    def pause(self) -> None:
        """Let it hang: connections are accepted and never answered."""
        self.supervision.ask("signal", name=self.name, signal=int(signal.SIGSTOP))

    def resume(self) -> None:
        """Let it go on."""
        self.supervision.ask("signal", name=self.name, signal=int(signal.SIGCONT))
