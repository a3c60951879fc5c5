"""One run of one container: a process in a session of its own, and its end."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.processes import descendants, dies_with_parent, kill, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """All that a process is started with; *members* is the file of its cgroup."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    members: Path | None


async def launched(launch: Launch) -> asyncio.subprocess.Process:
    """Start it; an OSError says that it cannot be started."""
    if not launch.argv:
        raise FileNotFoundError("no command specified, and this node has no image to take one from")
    with launch.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *launch.argv, env=dict(launch.env), cwd=launch.cwd, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=_arrangement(launch.members),
        )  # fmt: skip


def _arrangement(members: Path | None) -> Callable[[], None]:
    """Before its first instruction, the process joins its cgroup and ties its life to the node's."""
    tie = dies_with_parent()
    joining = str(members) if members else None

    def arrange() -> None:
        tie()
        if joining:
            # Plain system calls: between fork and exec nothing may be imported.
            handle = os.open(joining, os.O_WRONLY)
            os.write(handle, b"0")
            os.close(handle)

    return arrange


def exit_code(returned: int) -> int:
    """What a container runtime reports: for a signal, its number plus 128."""
    return returned if returned >= 0 else 128 - returned


def terminate(process: asyncio.subprocess.Process) -> None:
    """Ask the main process alone to end, as container runtimes do: it answers for its children."""
    if process.returncode is None:
        kill(process.pid, signal.SIGTERM)


def destroy(process: asyncio.subprocess.Process) -> None:
    """
    Kill the process with all of its session and all its descendants.

    To be called once more when it has ended: where it was process 1 of a container, the kernel would have ended the rest with it.
    """
    members = {p.pid for p in table() if p.session == process.pid} | {p.pid for p in descendants(process.pid)}
    for pid in members | ({process.pid} if process.returncode is None else set()):
        kill(pid)


async def completes(launch: Launch, within_s: float) -> bool:
    """Run a command beside the container, as `exec` does; whether it ends well in time."""
    try:
        process = await launched(launch)
    except OSError:
        return False
    try:
        async with asyncio.timeout(within_s):
            return await process.wait() == 0
    except TimeoutError:
        return False
    finally:
        destroy(process)
