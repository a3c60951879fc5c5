"""What the engine needs of the world, in the core's words: observers see, workloads are read and written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from apituner.core.plan import Step
from apituner.core.policy import Objective
from apituner.core.snapshot import Snapshot, Unobserved
from apituner.core.workload import SettingName, TargetFault, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One ApiTuning's Deployment: where it is, and which variables carry its settings."""

    namespace: str
    name: str
    """The ApiTuning's name."""
    deployment: str
    container: str | None
    """None: the pod's only container, or the one that ``kubectl.kubernetes.io/default-container`` names."""
    variables: tuple[tuple[SettingName, str], ...]
    """The settings that the spec's knobs name, each with its environment variable."""
    objective: Objective
    source: str
    """The metrics source, named in the chart's values."""
    preset: str | None = None
    """The exporter that the spec names, by the word that the spec has for it; None: whichever is there."""
    engines_per_worker: int = 1
    takes_fields: bool = False
    """Whether a variable that another field manager owns may be taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A step was carried out, or found to be carried out already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotWritten:
    """A step was refused by the API server and changed nothing: a CamelCase reason and a sentence with the way out."""

    reason: str
    because: str


class Observer(Protocol):
    """Sees many APIs at once."""

    async def observe(self, targets: Sequence[Target], now: datetime) -> Mapping[Target, Snapshot | Unobserved]:
        """One answer for every target; no exception for what the world does."""
        ...


class Workloads(Protocol):
    """Reads and writes Deployments."""

    async def read(self, target: Target) -> Workload | TargetFault:
        """The Deployment as it is now, or why it cannot be tuned."""
        ...

    async def carry_out(self, target: Target, step: Step, seen: Workload) -> Written | NotWritten:
        """Write *step*, but only onto the very Deployment that was *seen* (compare-and-set by its resource version)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The object that a status or an Event belongs to."""

    kind: str
    """``ApiTuning`` or ``ConnectionBudget``."""
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One Event: *normal* or a warning, its CamelCase reason, what was done, and a sentence."""

    normal: bool
    reason: str
    action: str
    note: str


class Journal(Protocol):
    """Tells people what was found: in the status of our objects, and in Events."""

    async def report(
        self, subject: Subject, last: Mapping[str, object], status: Mapping[str, object], now: datetime
    ) -> Mapping[str, object] | NotWritten:
        """Bring the status from *last* to *status*; return it as the API server keeps it."""
        ...

    async def tell(self, subject: Subject, notice: Notice, now: datetime) -> None:
        """Record an Event; a failure to do so is nobody's problem but the log's."""
        ...
