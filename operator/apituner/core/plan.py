"""From the current configuration to the target: safe steps, one write each."""

import hashlib
from dataclasses import dataclass

from apituner.core.configuration import Configuration, connections_at_peak


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Set the number of pods; no pod is restarted."""

    replicas: int

    def __str__(self) -> str:
        return f"scale to {self.replicas} replicas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Set workers and pool together: one new pod template, one rollout."""

    workers: int
    pool_size: int
    max_overflow: int

    def __str__(self) -> str:
        return f"roll out {self.workers} workers x pool {self.pool_size}, overflow {self.max_overflow}"


Step = Scale | Rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The way from one configuration to another, with the most connections that can be open at any moment of it."""

    before: Configuration
    target: Configuration
    steps: tuple[Step, ...]
    connections_at_peak: int
    because: str

    @property
    def identity(self) -> str:
        """Eight characters that stand for exactly this change, the same after a restart."""
        return hashlib.sha256(f"{self.before} -> {self.target}".encode()).hexdigest()[:8]


def plan(before: Configuration, target: Configuration, *, engines: int, because: str) -> Plan:
    """
    Order the writes: more pods first, then the new template, fewer pods last.

    Capacity first: a rollout under load takes pods out of service, so a target with more pods gets them before it, and one with
    fewer gives them up only when the new pods have shown themselves ready.
    """
    steps: list[Step] = []
    here = before
    while (step := next_step(here, target)) is not None:
        steps.append(step)
        here = after(here, step)
    return Plan(
        before=before,
        target=target,
        steps=tuple(steps),
        connections_at_peak=connections_at_peak(before, target, engines),
        because=because,
    )


def next_step(here: Configuration, target: Configuration) -> Step | None:
    """The one write that is due at *here*, None when *target* is reached. Depends on nothing else, so a restart finds it again."""
    if here.replicas < target.replicas:
        return Scale(replicas=target.replicas)
    if not here.same_template(target):
        return Rollout(workers=target.workers, pool_size=target.pool_size, max_overflow=target.max_overflow)
    if here.replicas > target.replicas:
        return Scale(replicas=target.replicas)
    return None


def after(here: Configuration, step: Step) -> Configuration:
    """The configuration that *step* leads to."""
    match step:
        case Scale(replicas=replicas):
            return Configuration(replicas=replicas, workers=here.workers, pool_size=here.pool_size, max_overflow=here.max_overflow)
        case Rollout(workers=workers, pool_size=pool_size, max_overflow=max_overflow):
            return Configuration(replicas=here.replicas, workers=workers, pool_size=pool_size, max_overflow=max_overflow)
