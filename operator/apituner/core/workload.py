"""The workload as the API server tells it: how many pods, which settings, who else writes to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from apituner.core.configuration import Knob
from apituner.core.strategy import Strategy

_SWEEP = timedelta(seconds=30)
"""A write follows its intention within a sweep: at most two of its turns of 15 s."""


class SettingSource(StrEnum):
    """Where the container's value of a variable comes from."""

    ENV = "Env"
    """A literal in the container's ``env``: ours to set."""
    DEFAULT = "Default"
    """Nowhere: the program's own default holds until we set the variable."""
    SECRET = "Secret"  # noqa: S105 - a kind of source, not a password
    CONFIG_MAP = "ConfigMap"
    FIELD = "Field"
    COMMAND_LINE = "CommandLine"
    """A flag on the command line wins over the variable, so setting the variable would do nothing."""
    UNREADABLE = "Unreadable"
    """A literal that is not a whole number."""


class SettingName(StrEnum):
    """A setting that a pod's processes read when they start."""

    WORKERS = "workers"
    POOL_SIZE = "poolSize"
    MAX_OVERFLOW = "maxOverflow"

    @property
    def knob(self) -> Knob:
        """The knob that moves this setting."""
        return Knob.WORKERS if self is SettingName.WORKERS else Knob.POOL


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of the pod template: its variable, its configured value (None where unknown) and where that comes from."""

    variable: str
    value: int | None
    source: SettingSource
    owner: str | None = None
    """The field manager, other than ours, that owns the literal; None where nobody else does."""
    detail: str = ""
    """Where exactly a foreign source stands, for the sentence shown to the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """Another controller that owns the number of replicas."""

    kind: str
    name: str
    min_replicas: int
    max_replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A Deployment at one moment: only what a decision rests on."""

    replicas: int
    ready_replicas: int
    updated_replicas: int
    total_replicas: int
    terminating_replicas: int = 0
    generation: int
    observed_generation: int
    resource_version: str
    rolled_out_at: datetime | None
    """When the newest pod template was last seen fully rolled out; None while it is not."""
    written_at: datetime | None
    """When this operator last wrote to the Deployment, as the API server recorded it; None if never."""
    paused: bool = False
    stuck_because: str | None = None
    """Why the rollout cannot progress (the Deployment's own words), None while it can."""
    cpu_request_cores: float | None = None
    cpu_limit_cores: float | None = None
    memory_limit_bytes: float | None = None
    settings: Mapping[SettingName, Setting] = field(default_factory=dict)
    """Only the settings that the spec's knobs name."""
    autoscaler: Autoscaler | None = None
    strategy: Strategy = field(default_factory=Strategy)
    template_hash: str | None = None
    """Stands for the newest pod template without the settings that the knobs name; None where it was not read."""
    tells_of_ending_pods: bool = True
    """Whether the API server counts terminating pods (KEP-3973); where it does not, none counted does not mean none there."""

    def ending_until(self, since: datetime | None) -> datetime | None:
        """Return when pods that were given up at *since* have certainly exited, None where their count can be seen."""
        if since is None or self.tells_of_ending_pods:
            return None
        return since + timedelta(seconds=self.strategy.ends_within_s) + _SWEEP

    @property
    def mixed_because(self) -> str | None:
        """Why pods of several templates may be serving, None when only the newest does, though not all of its pods need be there."""
        if self.observed_generation < self.generation:
            return "the Deployment controller has not seen the newest spec yet"
        if self.total_replicas > self.updated_replicas:
            return f"{self.total_replicas - self.updated_replicas} pods run an older template"
        return None

    @property
    def unsettled_because(self) -> str | None:
        """Why the Deployment is not at rest, None when it is: every pod new, ready, and no old one left."""
        if self.observed_generation < self.generation:
            return "the Deployment controller has not seen the newest spec yet"
        if self.updated_replicas < self.replicas:
            return f"{self.updated_replicas} of {self.replicas} pods run the newest template"
        if self.total_replicas > self.replicas:
            return f"{self.total_replicas - self.replicas} pods too many are still there"
        if self.terminating_replicas:
            return f"{self.terminating_replicas} old pods are still terminating"
        if self.ready_replicas < self.replicas:
            return f"{self.ready_replicas} of {self.replicas} pods are ready"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFault:
    """The target cannot be read or tuned: a CamelCase reason for the condition and a sentence with the way out."""

    reason: str
    because: str
