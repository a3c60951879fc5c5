"""Where a cluster's files are, all of which go with it."""

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cluster.node.cgroups import cgroup_for
from cluster.programs import ClusterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """
    The folder of all but PostgreSQL, that of PostgreSQL, and the group of all pods that have a CPU limit.

    PostgreSQL runs as another account where we are root, so it needs a folder that is not below one that only root may enter.
    """

    main: Path
    database: Path
    cgroup: Path

    @classmethod
    def made(cls, root: Path | None) -> Self:
        """Make the folders: the main one is *root*, which must hold nothing, as all it holds will be removed, or a temporary one."""
        if root is None:
            main = Path(tempfile.mkdtemp(prefix="apituner-cluster-"))
        else:
            main = root.absolute()
            main.mkdir(parents=True, mode=0o700, exist_ok=True)
            if any(main.iterdir()):
                raise ClusterError(f"{main} is not empty: a cluster removes its folder in the end, so give it one of its own.")
        temporary = next(place for place in (Path(tempfile.gettempdir()), Path("/tmp")) if open_to_all(place) or os.geteuid())  # noqa: S108
        database = Path(tempfile.mkdtemp(prefix="apituner-postgres-", dir=temporary))
        database.chmod(0o711)
        return cls(main=main, database=database, cgroup=cgroup_for(main))


def open_to_all(place: Path) -> bool:
    """Whether every account may pass through *place*."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (place, *place.absolute().parents))
