"""Where containers print to: one file a run, below one folder a pod, kept until the cluster ends."""

from pathlib import Path

from cluster.node.api import Manifest


def log_file(logs: Path, pod: Manifest, *, container: str, run: int) -> Path:
    """The file for the *run*-th start, from 0, of *container* of *pod*; its folder is made."""
    folder = logs.joinpath(pod["metadata"]["namespace"], pod["metadata"]["name"], pod["metadata"]["uid"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{container}.{run:06d}.log"


def printed(logs: Path, *, namespace: str, pod: str, container: str | None = None) -> str:
    """All that a pod's containers, or only *container*, printed, in the order in which they began."""
    files = [f for f in (logs / namespace / pod).glob("*/*.log") if container in (None, f.name.rsplit(".", 2)[0])]
    files.sort(key=lambda f: (f.parent.stat().st_ctime, f.name.rsplit(".", 2)[1], f.name))
    return "".join(f.read_text(errors="replace") for f in files)
