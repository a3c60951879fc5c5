"""
From the current configuration to the target: safe steps, one write each.

Every order with one rollout is told by one number: through how many pods it goes. The pods are brought to that number, then the template
is rolled out, then the pods are brought to the target's number. The most pods that the limit allows are taken: capacity comes first.
"""

import hashlib
from bisect import bisect_left
from dataclasses import dataclass, replace

from apituner.core.configuration import Configuration
from apituner.core.peak import gentle, step_peak
from apituner.core.room import Room
from apituner.core.strategy import Strategy


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
    """The way from one configuration to another, with the most connections that can be open at any instant of each step."""

    before: Configuration
    target: Configuration
    through: int
    """The number of pods that the rollout goes through."""
    steps: tuple[Step, ...]
    peaks: tuple[int, ...]
    """The most connections during each step."""
    at_rest: int
    """The most connections before the first step, those of pods that are terminating already included."""
    opens: int
    """The most connections during a step that opens any; giving pods up opens none. The least limit that would do."""
    because: str

    @property
    def connections_at_peak(self) -> int:
        """The most connections at any instant of the whole way."""
        return max((self.at_rest, *self.peaks))

    @property
    def identity(self) -> str:
        """Eight characters that stand for exactly this change, the same after a restart."""
        return hashlib.sha256(f"{self.before} -> {self.target}".encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOrderFits:
    """No order of the steps stays within the connection limit."""

    connections: int
    """What the best order would open: the limit that would do."""
    because: str
    """What would fit instead."""


def plan(  # noqa: PLR0913 - each a fact of its own, by name
    before: Configuration, target: Configuration, *, engines: int, because: str, room: Room | None = None, through: int | None = None
) -> Plan:
    """
    Return the steps of one order: through the larger number of pods, unless *through* says otherwise. No limit of *room* holds it back.

    Pods that are terminating already count during the first step, and are gone before the second. Pods that an autoscaler may add
    meanwhile count throughout.
    """
    room = room or Room(strategy=Strategy())
    through = max(before.replicas, target.replicas) if through is None else through
    steps, peaks, opens, here, ending = list[Step](), list[int](), 0, before, room.ending
    while (step := next_step(here, target, through)) is not None:
        there = after(here, step)
        peak = step_peak(room.scaled(here), room.scaled(there), engines, room.strategy) + ending
        if peak > here.connections(engines) + ending:
            opens = max(opens, peak)
        steps.append(step)
        peaks.append(peak)
        here, ending = there, 0
    return Plan(
        before=before,
        target=target,
        through=through,
        steps=tuple(steps),
        peaks=tuple(peaks),
        at_rest=before.connections(engines) + room.ending,
        opens=opens,
        because=because,
    )


def plan_within(before: Configuration, target: Configuration, *, engines: int, because: str, room: Room) -> Plan | NoOrderFits:
    """
    Return the order with the most pods meanwhile of which every step fits *room*.

    From any configuration on the way it finds the rest of the same order: a number of pods that did not fit from the beginning does not
    fit later, since nothing but the pods at the rollout decides its peak.
    """
    found = _most_pods(before, target, engines, room)
    if found is None:
        return _refused(before, target, engines, room)
    return plan(before, target, engines=engines, because=because, room=room, through=found)


def _most_pods(before: Configuration, target: Configuration, engines: int, room: Room) -> int | None:
    """Return the most pods that the rollout may go through, None where not even the fewest fit. More pods never open less."""
    throughs = _throughs(before, target, room)
    if room.limit is None:
        return throughs[0]
    allowed = room.limit.connections

    def fits(pods: int) -> bool:
        return _opens(before, target, engines, room, pods) <= allowed

    # Most often all of them fit, or the first few do not.
    index = 0 if fits(throughs[0]) else bisect_left(throughs, x=True, lo=1, key=fits)
    return throughs[index] if index < len(throughs) else None


def _opens(before: Configuration, target: Configuration, engines: int, room: Room, pods: int) -> int:
    return plan(before, target, engines=engines, because="", room=room, through=pods).opens


def next_step(here: Configuration, target: Configuration, through: int | None = None) -> Step | None:
    """
    Return the one write that is due at *here*, None when *target* is reached.

    Nothing but the arguments decides it, and *through* is written down with the change, so a restart finds it again.
    """
    if not here.same_template(target):
        pods = max(here.replicas, target.replicas) if through is None else through
        if here.replicas != pods:
            return Scale(replicas=pods)
        return Rollout(workers=target.workers, pool_size=target.pool_size, max_overflow=target.max_overflow)
    return Scale(replicas=target.replicas) if here.replicas != target.replicas else None


def after(here: Configuration, step: Step) -> Configuration:
    """The configuration that *step* leads to."""
    match step:
        case Scale(replicas=replicas):
            return Configuration(replicas=replicas, workers=here.workers, pool_size=here.pool_size, max_overflow=here.max_overflow)
        case Rollout(workers=workers, pool_size=pool_size, max_overflow=max_overflow):
            return Configuration(replicas=here.replicas, workers=workers, pool_size=pool_size, max_overflow=max_overflow)


def _throughs(before: Configuration, target: Configuration, room: Room) -> list[int]:
    """Return the numbers of pods to try, the largest first. The first stands even where it is below *least*: no order keeps more."""
    most = max(before.replicas, target.replicas)
    if room.bounds is None or before.same_template(target):
        return [most]
    bounds, least = room.bounds, max(1, room.least)
    fewer = [pods for pods in range(most - 1, least - 1, -1) if pods == before.replicas or bounds.least <= pods <= bounds.most]
    return [most, *fewer]


def _refused(before: Configuration, target: Configuration, engines: int, room: Room) -> NoOrderFits:
    """Say what would fit: a gentler strategy where that is enough, and the budget that would be. Recreate is an outage each time."""
    opens = _opens(before, target, engines, room, _throughs(before, target, room)[-1])
    limit = "" if room.limit is None else f", {room.limit.connections} are allowed ({room.limit.because})"
    because = f"no order of steps from {before} to {target} opens fewer than {opens} connections{limit}"
    kinder = replace(room, strategy=gentle(room.strategy))
    pods = None if room.strategy.recreate else _most_pods(before, target, engines, kinder)
    if pods is not None:
        because += (
            f"; with maxSurge 0, maxUnavailable 1 and minReadySeconds {kinder.strategy.min_ready_s:.0f} in the Deployment's strategy "
            f"it would open {_opens(before, target, engines, kinder, pods)}"
        )
    because += f"; a budget that leaves {opens} to this API would do. Recreate is no way out: it stops the API at every rollout"
    return NoOrderFits(connections=opens, because=because)
