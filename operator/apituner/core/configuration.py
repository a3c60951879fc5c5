"""One setting of the knobs, and what it adds up to."""

from dataclasses import dataclass, fields
from enum import StrEnum


class Knob(StrEnum):
    """A tunable of an API, in the words of the resource's spec."""

    REPLICAS = "replicas"
    WORKERS = "workers"
    POOL = "pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One setting of the knobs: pods, processes per pod, connections per engine of a process."""

    replicas: int
    workers: int
    pool_size: int
    max_overflow: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            least = 0 if field.name in ("replicas", "max_overflow") else 1
            if (value := getattr(self, field.name)) < least:
                raise ValueError(f"{field.name} must be at least {least}, got {value}")

    @property
    def pool_limit(self) -> int:
        """The most connections that one engine of one process may hold: size and overflow together."""
        return self.pool_size + self.max_overflow

    def connections_per_pod(self, engines: int) -> int:
        """The most connections that one pod may hold, with *engines* engines in every process."""
        return self.workers * self.pool_limit * engines

    def connections(self, engines: int) -> int:
        """The most connections that all pods together may hold at rest."""
        return self.replicas * self.connections_per_pod(engines)

    def same_template(self, other: "Configuration") -> bool:
        """Whether going to *other* needs no new pods: only the number of pods may differ."""
        return (self.workers, self.pool_size, self.max_overflow) == (other.workers, other.pool_size, other.max_overflow)

    def __str__(self) -> str:
        overflow = f"+{self.max_overflow}" if self.max_overflow else ""
        return f"{self.replicas} replicas x {self.workers} workers x pool {self.pool_size}{overflow}"


def connections_at_peak(before: Configuration, after: Configuration, engines: int) -> int:
    """
    The most connections that the database can see while *before* becomes *after*.

    A rollout keeps at most ``maxSurge`` pods too many, but Kubernetes does not count pods that are still terminating, and these hold their
    pools until they exit: with slow drains every old pod can be alive when the last new one turns ready. So a new pod template is priced
    with all old pods beside all new ones. Without a new template only the number of pods moves, and the larger number is the peak.
    """
    pods = max(before.replicas, after.replicas)
    if before.same_template(after):
        return pods * before.connections_per_pod(engines)
    return pods * (before.connections_per_pod(engines) + after.connections_per_pod(engines))
