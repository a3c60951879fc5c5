"""
A small world in memory over simulated time: Deployments, an API server that keeps statuses, metrics, and all their faults.

It implements the ports of the engine. Time moves only by `World.advance`, second by second while anything is under way.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import schemas
from apituner.core.configuration import Configuration
from apituner.core.plan import Step, after
from apituner.core.snapshot import Absence, Snapshot, Unobserved
from apituner.core.workload import TargetFault, Workload
from apituner.engine.registry import Kind, Registry, resource
from apituner.engine.scribe import Scribe
from apituner.engine.sweep import Sweep, Tally
from apituner.kube.conditions import merged_conditions
from apituner.kube.nulls import without_nulls
from apituner.kube.status import differs
from apituner.ports import Notice, NotWritten, Subject, Target, Written
from builders import NOON, a_configuration
from rollouts import Deployment

SWEEP_S = 15.0
_KINDS = {"ApiTuning": Kind.TUNING, "ConnectionBudget": Kind.BUDGET}


class Killed(BaseException):
    """The operator's process is gone: nothing after the point where this is raised happens."""


@dataclass(slots=True)
class World:
    """The cluster, the metrics and the clock; and the operator, which can be killed and started anew."""

    now: datetime = NOON
    deployments: dict[str, Deployment] = field(default_factory=dict)
    objects: dict[tuple[Kind, str], dict[str, Any]] = field(default_factory=dict)
    events: list[tuple[str, Notice]] = field(default_factory=list)
    writes: Counter[str] = field(default_factory=Counter)
    """How many statuses were written, by the object's name."""
    unobserved: dict[str, Unobserved | BaseException] = field(default_factory=dict)
    faults: dict[str, TargetFault | Exception] = field(default_factory=dict)
    """What reading a Deployment ends in, by its name."""
    steps_refused: dict[str, NotWritten | Exception] = field(default_factory=dict)
    """What writing a Deployment ends in, by its name."""
    statuses_refused: dict[str, NotWritten | Exception] = field(default_factory=dict)
    killed_at: int | None = None
    """The operator dies at this point, counted from the next one as 0; before and after every write there is one."""
    points: int = 0
    connections_most: int = 0
    """The most connections of all Deployments together in any second so far."""
    watched: bool = True
    """False: the watch is lost, and the operator hears of no change any more."""
    _operator: Sweep | None = None
    _uids: int = 0

    def deploy(self, name: str = "orders", at: Configuration | None = None, **facts: Any) -> Deployment:  # noqa: ANN401
        """Run a Deployment, by default the starved one of the stories."""
        self.deployments[name] = Deployment(template=at or a_configuration(), now=self.now, **facts)
        return self.deployments[name]

    def tune(self, name: str = "orders", mode: str = "Auto", budget: str | None = None, **spec: Any) -> None:  # noqa: ANN401
        """Create an ApiTuning for the Deployment of the same name; *spec* replaces whole fields of its spec."""
        whole: dict[str, Any] = {
            "targetRef": {"name": name},
            "mode": mode,
            "objective": {"latency": {"percentile": 95, "milliseconds": 250}},
            "knobs": {
                "replicas": {"min": 2, "max": 4},
                "pool": {"min": 2, "max": 15, "sizeEnv": "DB_POOL_SIZE", "overflowEnv": "DB_MAX_OVERFLOW"},
            },
        }
        if budget is not None:
            whole["connectionBudgetRef"] = {"name": budget}
        self._create(Kind.TUNING, name, whole | spec)

    def budget(self, connections: int, name: str = "db", **spec: Any) -> None:  # noqa: ANN401
        """Create a ConnectionBudget that grants *connections* in all."""
        self._create(Kind.BUDGET, name, {"maxConnections": connections + 10, "reserved": 10} | spec)

    def change(self, name: str = "orders", kind: Kind = Kind.TUNING, **spec: Any) -> None:  # noqa: ANN401
        """Edit the spec of an object."""
        body = self.objects[kind, name]
        body["spec"] |= spec
        body["metadata"]["generation"] += 1
        self._watched(body, kind)

    def delete(self, name: str = "orders", kind: Kind = Kind.TUNING) -> None:
        """Delete an object; the Deployment stays."""
        metadata = self.objects.pop((kind, name))["metadata"]
        if self._operator is not None:
            self._operator.registry.gone(kind, metadata["namespace"], name, metadata["uid"])

    def status(self, name: str = "orders", kind: Kind = Kind.TUNING) -> dict[str, Any]:
        """Return an object's status as the API server keeps it."""
        return dict(self.objects[kind, name]["status"])

    def condition(self, kind: str, name: str = "orders", of: Kind = Kind.TUNING) -> tuple[str, str, str]:
        """Return a condition's status, reason and message."""
        found = next(one for one in self.status(name, of)["conditions"] if one["type"] == kind)
        return found["status"], found["reason"], found["message"]

    def decision(self, name: str = "orders") -> tuple[str, str]:
        """Return the kind and reason of the last decision in the status."""
        return self.status(name)["decision"]["kind"], self.status(name)["decision"]["reason"]

    def told(self, name: str = "orders") -> list[str]:
        """Return the reasons of all Events about an object, the oldest first."""
        return [notice.reason for about, notice in self.events if about == name]

    async def sweep(self) -> Tally:
        """Sweep once, starting the operator if it does not run."""
        return await self.operator(self.now)

    async def run(self, sweeps: int) -> None:
        """Sweep so many times at the usual pace."""
        for _ in range(sweeps):
            await self.sweep()
            self.advance(SWEEP_S)

    async def run_killed(self, sweeps: int) -> None:
        """Sweep so many times; whenever the operator dies, start it anew at the next sweep."""
        for _ in range(sweeps):
            try:
                await self.sweep()
            except Killed:
                self.restart()
            self.advance(SWEEP_S)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds)):
            self.now += timedelta(seconds=1)
            for one in self.deployments.values():
                one.second(self.now)
            self.connections_most = max(self.connections_most, sum(one.connections for one in self.deployments.values()))

    def restart(self) -> None:
        """End the operator; the next sweep is that of a new one, which knows what the API server knows."""
        self._operator = None

    @property
    def operator(self) -> Sweep:
        """The operator that runs, with a registry filled by a list."""
        if self._operator is None:
            registry = Registry()
            for kind in Kind:
                registry.replace_all(
                    kind, (resource(kind, schemas.over_the_wire(body)) for (of, _), body in self.objects.items() if of is kind)
                )
            self._operator = Sweep(registry=registry, observer=self, workloads=self, scribe=Scribe(self), stabilization_s=2 * SWEEP_S)
        return self._operator

    async def observe(self, targets: Sequence[Target], now: datetime) -> Mapping[Target, Snapshot | Unobserved]:
        """See every target."""
        return {target: self._observed(target, now) for target in targets}

    async def read(self, target: Target) -> Workload | TargetFault:
        """Read a Deployment."""
        fault = self.faults.get(target.deployment)
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return fault
        if target.deployment not in self.deployments:
            return TargetFault(reason="TargetNotFound", because=f"there is no Deployment {target.deployment}; create it")
        return self.deployments[target.deployment].workload(target)

    async def carry_out(self, target: Target, step: Step, seen: Workload) -> Written | NotWritten:
        """Write a Deployment, as a compare-and-set."""
        self._point()
        refused = self.steps_refused.get(target.deployment)
        if isinstance(refused, Exception):
            raise refused
        if refused is not None:
            return refused
        deployment = self.deployments[target.deployment]
        if after(deployment.template, step) != deployment.template:
            if seen.resource_version != str(deployment.version):
                return NotWritten(reason="ChangedMeanwhile", because="the Deployment has changed; it is decided anew in the next sweep")
            deployment.write(step)
        self._point()
        return Written()

    async def report(
        self, subject: Subject, last: Mapping[str, object], status: Mapping[str, object], now: datetime
    ) -> Mapping[str, object] | NotWritten:
        """Write a status as the edge does, and keep it as the API server does: without nulls, and only what the schema knows."""
        self._point()
        refused = self.statuses_refused.get(subject.name)
        if isinstance(refused, Exception):
            raise refused
        if refused is not None:
            return refused
        kind = _KINDS[subject.kind]
        body = self.objects.get((kind, subject.name))
        if body is None or body["metadata"]["uid"] != subject.uid:
            return NotWritten(reason="StatusNotWritten", because="the object is gone")
        told: Any = status
        old: Any = last
        new = {**told, "conditions": merged_conditions(old.get("conditions") or [], told["conditions"], now)}
        if differs(old, new):
            kept = schemas.over_the_wire(without_nulls(new))
            schemas.check_status(kind, kept)
            body["status"] = kept
            self.writes[subject.name] += 1
            self._watched(body, kind)
        self._point()
        stored: Mapping[str, object] = schemas.over_the_wire(body["status"])
        return stored

    async def tell(self, subject: Subject, notice: Notice, now: datetime) -> None:
        """Keep an Event."""
        del now
        self._point()
        self.events.append((subject.name, notice))

    def _observed(self, target: Target, now: datetime) -> Snapshot | Unobserved:
        fault = self.unobserved.get(target.deployment, self.unobserved.get("*"))
        if isinstance(fault, BaseException):
            raise fault
        if fault is not None:
            return fault
        if target.deployment not in self.deployments:
            return Unobserved(reason=Absence.NO_SERIES, because="no series; instrument the API")
        return self.deployments[target.deployment].snapshot(now)

    def _point(self) -> None:
        self.points += 1
        if self.killed_at is None:
            return
        if self.killed_at == 0:
            self.killed_at = None
            raise Killed
        self.killed_at -= 1

    def _create(self, kind: Kind, name: str, spec: Mapping[str, Any]) -> None:
        self._uids += 1
        created = (self.now + timedelta(milliseconds=self._uids)).isoformat()
        metadata = {"namespace": "shop", "name": name, "uid": f"uid-{self._uids}", "generation": 1, "creationTimestamp": created}
        self.objects[kind, name] = {"metadata": metadata, "spec": dict(spec), "status": {}}
        self._watched(self.objects[kind, name], kind)

    def _watched(self, body: Mapping[str, Any], kind: Kind) -> None:
        if self._operator is not None and self.watched:
            self._operator.registry.seen(resource(kind, schemas.over_the_wire(body)))
