"""The three states a container can be in, as values."""

from dataclasses import dataclass
from datetime import datetime

from cluster.node.api import Manifest


def stamp(moment: datetime) -> str:
    """*moment*, in UTC, as the API writes it: whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Not running, and to be started when what *reason* names is over."""

    reason: str
    message: str = ""

    def manifest(self) -> Manifest:
        """As in a pod's status."""
        return {"waiting": {"reason": self.reason} | ({"message": self.message} if self.message else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Running since *started_at*."""

    started_at: datetime

    def manifest(self) -> Manifest:
        """As in a pod's status."""
        return {"running": {"startedAt": stamp(self.started_at)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated:
    """Ended; an exit code above 128 is a signal's number plus 128."""

    exit_code: int
    reason: str
    started_at: datetime
    finished_at: datetime
    message: str = ""

    def manifest(self) -> Manifest:
        """As in a pod's status."""
        return {
            "terminated": {
                "exitCode": self.exit_code, "reason": self.reason,
                "startedAt": stamp(self.started_at), "finishedAt": stamp(self.finished_at),
            } | ({"message": self.message} if self.message else {})
        }  # fmt: skip


State = Waiting | Running | Terminated


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSnapshot:
    """One container at one moment."""

    name: str
    image: str
    state: State
    last: Terminated | None
    restarts: int
    started: bool
    ready: bool
    process: int | None

    def manifest(self) -> Manifest:
        """As an entry of containerStatuses."""
        return {
            "name": self.name, "image": self.image, "imageID": "", "state": self.state.manifest(),
            "lastState": self.last.manifest() if self.last else {}, "restartCount": self.restarts,
            "started": self.started, "ready": self.ready,
        } | ({"containerID": f"process://{self.process}"} if self.process else {})  # fmt: skip
