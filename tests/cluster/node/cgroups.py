"""CPU limits made real: the kernel's CFS quota, where this user may set one."""

import os
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
PERIOD_US = 100_000  # the kubelet's: --cpu-cfs-quota-period defaults to 100 ms


def cgroup_for(folder: Path) -> Path:
    """The group below which all pods of the cluster in *folder* go; whether it can be made is another question."""
    base = MOUNT / "cpu" if (MOUNT / "cpu").is_dir() else MOUNT
    return base / f"apituner-{folder.name}-{os.getpid()}"


def make_root(group: Path) -> bool:
    """Make the cluster's own group; False where this user may not, or the CPU controller is not to be had."""
    try:
        group.mkdir()
        if is_v2(group):
            # A group hands a controller on only if its own parent does, and holds no process itself: ours is new, so it does not.
            (group / "cgroup.subtree_control").write_text("+cpu")
    except OSError:
        if group.is_dir():
            group.rmdir()
        return False
    return True


def is_v2(group: Path) -> bool:
    """Whether *group* belongs to the unified hierarchy."""
    return (group / "cgroup.controllers").exists()


def limit(root: Path, name: str, cpus: float) -> Path:
    """Make a group below *root* that gets *cpus* CPUs' worth of time; the file to write a pid to joins it."""
    group = root / name
    group.mkdir(exist_ok=True)
    quota = max(1000, round(cpus * PERIOD_US))  # the kernel's least quota is 1 ms
    if is_v2(group):
        (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(quota))
    return group / "cgroup.procs"


def remove(members: Path) -> None:
    """Remove the group of a container that has ended; one that a stray process still holds is left to the end of the cluster."""
    try:
        members.parent.rmdir()
    except OSError:
        return
