"""A cluster leaves nothing behind, however its end comes about: no process, no file, no control group, no shared memory."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import LocalCluster
from cluster.binaries import cache_folder, kubectl
from cluster.node.cgroups import MOUNT
from cluster.processes import descendants, table
from cluster.programs import TESTS, ClusterError

WITHIN_S = 20.0
# It escapes its parent and its session, and holds a CPU limit: the hardest to find again.
ESCAPING = "import subprocess, time; subprocess.Popen(['sleep', '1000'], start_new_session=True); print('up'); time.sleep(1000)"
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "escaping"},
    "spec": {
        "containers": [
            {"name": "c", "image": "none", "command": ["python", "-c", ESCAPING], "resources": {"limits": {"cpu": "500m"}}},
        ]
    },
}


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder for temporary files, with spaces in its name, that PostgreSQL's account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="a path with spaces "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def segments(creators: set[int]) -> list[str]:
    """The shared memory that *creators* made: column 5 of the kernel's table is the pid."""
    return [line for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:] if int(line.split()[4]) in creators]


def abandoned(since: float) -> list[str]:
    """The shared memory made after *since* that no process holds any more: columns 7 and 14 are the holders and the time."""
    lines = (line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:])
    return [" ".join(line) for line in lines if line[6] == "0" and int(line[13]) >= int(since)]


def groups(folder: Path) -> list[Path]:
    """The control groups of the cluster in *folder*."""
    return [*MOUNT.glob(f"apituner-{folder.name}-*"), *MOUNT.glob(f"cpu/apituner-{folder.name}-*")]


@pytest.mark.parametrize(
    ("end", "to_group"),
    [
        pytest.param(signal.SIGINT, True, id="Ctrl-C at the terminal"),
        pytest.param(signal.SIGTERM, False, id="a polite end"),
        pytest.param(signal.SIGKILL, False, id="a kill that nobody can catch"),
    ],
)
def test_nothing_is_left(place: Path, end: signal.Signals, to_group: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Processes that a pod started in sessions of their own are ended as well, and the folder of temporary files is empty again."""
    harness = subprocess.Popen(
        [sys.executable, "-m", "cluster"], stdout=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(TESTS), "TMPDIR": str(place)},
    )  # fmt: skip
    with harness:
        assert harness.stdout is not None
        kubeconfig = harness.stdout.readline().partition("=")[2].strip().strip("'")
        command = [str(kubectl()), "--kubeconfig", kubeconfig]
        subprocess.run([*command, "apply", "-f", "-"], input=json.dumps(POD), text=True, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*command, "wait", "pod/escaping", "--for=condition=Ready", "--timeout=30s"], check=True, stdout=subprocess.DEVNULL)
        wait_until(lambda: any("sleep" in command_line(p.pid) for p in descendants(harness.pid)))
        assert segments({p.pid for p in descendants(harness.pid)}), "this is how PostgreSQL's shared memory is found"
        started = {p.pid for p in descendants(harness.pid)}
        if to_group:
            os.killpg(harness.pid, end)
        else:
            harness.send_signal(end)
        harness.wait(WITHIN_S)

    wait_until(lambda: not started & {p.pid for p in table()})
    wait_until(lambda: not list(place.iterdir()))
    assert groups(Path(kubeconfig).parent) == []
    assert segments(started) == []
    assert len(started) >= 10  # supervisor, etcd, API server, two controllers, node, Prometheus, PostgreSQL, the pod and its child


def command_line(pid: int) -> str:
    """What *pid* was started as; nothing for one that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds, at most WITHIN_S."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    """A cluster removes its folder in the end, so it takes none that is in use."""
    (tmp_path / "thesis.txt").write_text("three years of work")

    with pytest.raises(ClusterError, match="is not empty"):
        LocalCluster.start(tmp_path)

    assert (tmp_path / "thesis.txt").exists()


def test_a_failed_start_says_why_and_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the program and holds its last words; initdb, which just ran beside it, leaves no shared memory."""
    began = time.time()
    monkeypatch.setattr("cluster.control_plane.Etcd._argv", lambda _: [cache_folder(), "--no-such-flag"])
    root = place / "root"

    with pytest.raises(ClusterError, match="etcd"):
        LocalCluster.start(root)

    assert not root.exists()
    assert [] == abandoned(began)
