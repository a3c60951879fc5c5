"""
The process that leaves nothing behind: parent of all others, child of the harness, and alive a moment longer than it.

It reads requests, one JSON object a line, from its stdin and answers each on its stdout. When stdin ends, which it does however the harness
ends, it kills all its descendants (it adopts orphans, so none escapes by forking twice), frees PostgreSQL's shared memory and removes the
folders.
Standard library only: it starts in 50 ms, and nothing of it can fail to import while cleaning up.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cluster.processes import adopt_orphans, descendants, dies_with_parent, kill

REAP_EVERY_S = 1.0
# A fast shutdown of an idle PostgreSQL takes 0.1 s; one that takes longer is killed and its segment freed by hand.
DATABASE_GRACE_S = 3.0
IPC_RMID = 0  # linux/ipc.h


class Supervisor:
    """What runs, by name, and what has to be removed in the end."""

    def __init__(self, *, folders: list[Path], cgroups: list[Path]) -> None:
        self.folders = folders
        self.cgroups = cgroups
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a program in a session of its own, so that Ctrl-C at the terminal reaches the harness alone."""
        with Path(request["log"]).open("ab") as log:
            identity = {"user": request["uid"], "group": request["uid"], "extra_groups": []} if request.get("uid") is not None else {}
            process = subprocess.Popen(  # the list comes from the harness
                request["argv"], env=request["env"], cwd=request["cwd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=dies_with_parent(), **identity,  # noqa: PLW1509 -- there are no threads here
            )  # fmt: skip
        self.running[request["name"]] = process
        return {"pid": process.pid}

    def poll(self, request: dict[str, Any]) -> dict[str, Any]:
        """Tell the exit code, or null while it runs."""
        return {"code": self.running[request["name"]].poll()}

    def signal(self, request: dict[str, Any]) -> dict[str, Any]:
        """Pass a signal on: SIGSTOP makes a server that hangs."""
        self.running[request["name"]].send_signal(request["signal"])
        return {}

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        """End a program, politely first; what it started goes with it."""
        process = self.running[request["name"]]
        family = descendants(process.pid)
        process.send_signal(signal.SIGCONT)
        process.send_signal(request["signal"])
        try:
            process.wait(request["grace_s"])
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for member in family:
            kill(member.pid)
        return {"code": process.returncode}

    def reap(self) -> None:
        """Collect adopted orphans; the programs themselves are left for their Popen to collect."""
        own = {process.pid for process in self.running.values()}
        for process in descendants(os.getpid()):
            if process.zombie and process.parent == os.getpid() and process.pid not in own:
                os.waitpid(process.pid, os.WNOHANG)

    def serve(self, harness: int) -> None:
        """Answer requests until stdin ends or *harness*, watched on its own as a forked copy may hold the pipe open, is gone."""
        alive = os.pidfd_open(harness)
        while True:
            ready, _, _ = select.select([sys.stdin, alive], [], [], REAP_EVERY_S)
            self.reap()
            if alive in ready:
                return
            if not ready:
                continue
            line = sys.stdin.readline()
            if not line:
                return
            request = json.loads(line)
            try:
                answer = getattr(self, request["do"])(request)
            except (OSError, KeyError) as error:  # a program that cannot be started, or was not
                answer = {"error": repr(error)}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()

    def clean_up(self) -> None:
        """End everything, then remove everything."""
        database = self.running.get("postgres")
        if database and database.poll() is None:
            database.send_signal(signal.SIGCONT)
            database.send_signal(signal.SIGINT)  # "fast shutdown"
        spared = {process.pid for process in descendants(database.pid)} | {database.pid} if database else set()
        ended = kill_all(spared=spared)
        if database:
            try:
                database.wait(DATABASE_GRACE_S)
            except subprocess.TimeoutExpired:
                database.kill()
        ended |= spared | kill_all(spared=set())
        free_shared_memory(ended)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)
        for group in self.cgroups:
            for child in sorted(group.rglob("*/"), key=lambda path: -len(path.parts)):
                child.rmdir()
            if group.is_dir():
                group.rmdir()


def kill_all(*, spared: set[int]) -> set[int]:
    """Kill every descendant but the *spared*, until none is left, as one may fork meanwhile; returns the killed."""
    killed = set()
    while targets := [p for p in descendants(os.getpid()) if p.pid not in spared]:
        for process in targets:
            if process.zombie and process.parent == os.getpid():
                os.waitpid(process.pid, os.WNOHANG)
            else:
                kill(process.pid)
            killed.add(process.pid)
        time.sleep(0.01)
    return killed


def free_shared_memory(creators: set[int]) -> None:
    """Free the System V segments that *creators*, all gone, have left: a killed PostgreSQL does, and so does a killed initdb."""
    table = Path("/proc/sysvipc/shm")
    for line in table.read_text().splitlines()[1:] if table.exists() else ():
        _, segment, _, _, creator, _, attached = line.split()[:7]
        if int(creator) in creators and attached == "0":
            ctypes.CDLL(None).shmctl(int(segment), IPC_RMID, None)


def main() -> None:
    """Arguments, as one JSON object: harness (pid), folders, cgroups (both to be removed)."""
    given = json.loads(sys.argv[1])
    # The harness decides when to end, by closing the pipe; a terminal's Ctrl-C or a stray TERM must not cut the cleaning short.
    # Handlers that do nothing, not SIG_IGN, which every pod would inherit: none would hear its SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    adopt_orphans()
    supervisor = Supervisor(folders=[Path(f) for f in given["folders"]], cgroups=[Path(g) for g in given["cgroups"]])
    try:
        supervisor.serve(given["harness"])
    finally:
        supervisor.clean_up()


if __name__ == "__main__":
    main()
