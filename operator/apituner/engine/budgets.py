"""One database's connections, shared by the APIs that name its budget: who holds how many, and how many more each may take."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from apituner.core.change import MAY_BE_MIXED, Change, Outcome
from apituner.core.configuration import Configuration, connections_at_peak
from apituner.core.memory import Memory
from apituner.core.plan import plan
from apituner.core.policy import ConnectionLimit
from apituner.core.room import Room
from apituner.core.workload import Workload
from apituner.ports import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The connections that one API may hold now, and at the peak of a change that is on its way."""

    namespace: str
    name: str
    connections: int
    at_peak: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """An API of which it is not known how many connections it may hold."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The account of one budget during one sweep."""

    limit: int
    because: str
    holdings: tuple[Holding | Unknown, ...]

    @property
    def free(self) -> int:
        """What nobody holds, nor will hold at the peak of a change; never below 0."""
        return max(0, self.limit - sum(one.at_peak for one in self.holdings if isinstance(one, Holding)))

    @property
    def overdrawn(self) -> int:
        """By how many connections the APIs together may exceed the limit; 0 when they cannot."""
        return max(0, sum(one.at_peak for one in self.holdings if isinstance(one, Holding)) - self.limit)

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """The APIs whose holding is not known."""
        return tuple(one for one in self.holdings if isinstance(one, Unknown))

    def limit_for(self, namespace: str, name: str) -> ConnectionLimit:
        """
        Return the most that one API may hold: the limit less what the others may hold at their peak.

        Somebody unknown could hold everything that seems free, so then nobody may take more than they have, or have been granted for a
        change that is on its way.
        """
        mine = next((h for h in self.holdings if isinstance(h, Holding) and (h.namespace, h.name) == (namespace, name)), None)
        others = [one for one in self.unknown if (one.namespace, one.name) != (namespace, name)]
        if others:
            names = ", ".join(f"{one.namespace}/{one.name}" for one in others)
            return ConnectionLimit(connections=mine.at_peak if mine else 0, because=f"not known how many connections {names} may hold")
        taken = sum(one.at_peak for one in self.holdings if isinstance(one, Holding) and one is not mine)
        return ConnectionLimit(connections=max(0, self.limit - taken), because=f"{self.because}, {taken} held by other APIs")

    def with_entry(self, entry: Holding | Unknown) -> "Ledger":
        """Return the account after *entry* took the place of what stood there for its API."""
        rest = tuple(one for one in self.holdings if (one.namespace, one.name) != (entry.namespace, entry.name))
        return Ledger(limit=self.limit, because=self.because, holdings=(*rest, entry))


def holding(target: Target, workload: Workload, known: Sequence[Configuration], memory: Memory) -> Holding:
    """
    Price what the pods of *workload* may hold, terminating ones included, at the dearest of the *known* templates.

    *known* are what the processes report and what the pod template asks for: while one becomes the other both are alive. Pods that are
    stopping report nothing and the template has forgotten them, so until the Deployment is at rest they are priced by our own last change.
    """
    engines = target.engines_per_worker
    pods = max(workload.replicas, workload.total_replicas) + workload.terminating_replicas
    dearest = max(one.connections_per_pod(engines) for one in known)
    change, connections = memory.change, pods * dearest
    at_peak = connections
    if change is not None and change.outcome in MAY_BE_MIXED and workload.unsettled_because is not None:
        whole = _whole(change, workload, engines)
        ends = max(change.before.connections_per_pod(engines), change.target.connections_per_pod(engines))
        # Of a change that is ours alone no more can be alive than it was granted, however many pods come and go.
        ours = change.outcome is Outcome.APPLYING and dearest <= ends and _keeps_its_pods(change, workload)
        connections = min(pods * ends, whole) if ours else pods * max(dearest, ends)
        at_peak = max(connections, whole)
    elif change is not None and change.outcome is Outcome.APPLYING:
        through = change.through if _keeps_its_pods(change, workload) else None
        ways = (
            plan(here, change.target, engines=engines, because="", room=Room(strategy=workload.strategy), through=through) for here in known
        )
        at_peak = max(connections, *(way.connections_at_peak for way in ways))
    return Holding(namespace=target.namespace, name=target.name, connections=connections, at_peak=at_peak)


def _keeps_its_pods(change: Change, workload: Workload) -> bool:
    """Say whether nobody else added pods to those that *change* was granted connections for."""
    return workload.replicas <= max(change.before.replicas, change.target.replicas)


def _whole(change: Change, workload: Workload, engines: int) -> int:
    """Return the most that *change* can open: what it was granted, unless somebody else added pods meanwhile."""
    if change.peak is not None and _keeps_its_pods(change, workload):
        return change.peak
    pods = max(workload.replicas, change.target.replicas)
    return connections_at_peak(replace(change.before, replicas=pods), change.target, engines)
