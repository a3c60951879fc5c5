"""A Deployment over simulated time: pods that start, turn ready and drain, and what the API server and the metrics tell of them."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from apituner.core.configuration import Configuration
from apituner.core.plan import Scale, Step, after
from apituner.core.snapshot import Absence, Signal, Snapshot
from apituner.core.workload import Setting, SettingName, Workload
from apituner.ports import Target
from builders import HEALTHY, NOON, a_setting, a_snapshot, a_workload


@dataclass(slots=True)
class Pod:
    """One pod: the setting that it started with, when it turns ready, when a stopped one is gone."""

    setting: Configuration
    ready_at: datetime
    gone_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Deployment:
    """A Deployment with its controller: surge of a quarter, slow starts, slower drains."""

    template: Configuration
    now: datetime = NOON
    start_s: float = 8
    drain_s: float = 20
    rps: float = 90
    hold_s: float = 0.04
    readings: dict[str, float] = field(default_factory=dict)
    """Signals by their wire name that are not as the pool makes them."""
    absent: dict[Signal, Absence] = field(default_factory=dict)
    settings: dict[SettingName, dict[str, Any]] = field(default_factory=dict)
    """What of a setting is not as usual: its source, its owner."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What of the Workload is not as usual."""
    in_processes: Configuration | None = None
    """What the processes report whatever the template says: a program that does not read its variables."""
    pods: list[Pod] = field(default_factory=list)
    version: int = 1000
    generation: int = 1
    observed_generation: int = 1
    rolled_out_at: datetime | None = None
    written_at: datetime | None = None
    written: list[str] = field(default_factory=list)
    """Every write of the operator, as the step says itself."""

    def __post_init__(self) -> None:
        self.pods = [Pod(self.template, self.now) for _ in range(self.template.replicas)]
        self.rolled_out_at = self.now - timedelta(hours=1)

    def write(self, step: Step) -> None:
        """Take a new spec, as the API server does: the controller sees it a second later."""
        self.template = after(self.template, step)
        self.generation += 1
        self.version += 1
        self.written_at = self.now
        self.written.append(str(step))
        if not isinstance(step, Scale):
            self.rolled_out_at = None

    @property
    def connections(self) -> int:
        """The connections that all pods may hold in this very second, those that are stopping included."""
        return sum(pod.setting.connections_per_pod(1) for pod in self.pods)

    @property
    def at_rest(self) -> bool:
        """Whether a second more would change nothing."""
        live = self._live()
        new = [pod for pod in live if pod.setting.same_template(self.template)]
        return (
            self.observed_generation == self.generation
            and len(self.pods) == len(live) == len(new) == len(self._ready()) == self.template.replicas
            and self.rolled_out_at is not None
        )

    def second(self, now: datetime) -> None:
        """Do what the controller does within one second."""
        self.now = now
        if self.at_rest:
            return
        self.version += 1  # the status of the Deployment moves
        self.observed_generation = self.generation
        self.pods = [pod for pod in self.pods if pod.gone_at is None or pod.gone_at > now]
        want, surge, spare = self.template.replicas, ceil(self.template.replicas / 4), self.template.replicas // 4
        new = [pod for pod in self._live() if pod.setting.same_template(self.template)]
        old = [pod for pod in self._live() if not pod.setting.same_template(self.template)]
        for pod in new[want:]:
            self._stop(pod)
        while len(new) < want and len(self._live()) < want + (surge if old else 0):
            new.append(Pod(self.template, now + timedelta(seconds=self.start_s)))
            self.pods.append(new[-1])
        for pod in old:
            if pod not in self._ready() or len(self._ready()) > want - spare:
                self._stop(pod)
        live = self._live()
        if self.rolled_out_at is None and len(live) == len(new) == len(self._ready()) == want:
            self.rolled_out_at = now

    def workload(self, target: Target) -> Workload:
        """Return what the API server tells of it."""
        live, values = self._live(), (self.template.workers, self.template.pool_size, self.template.max_overflow)
        usual = dict(zip(SettingName, values, strict=True))
        settings: dict[SettingName, Setting] = {
            name: replace(a_setting(usual[name], variable), **self.settings.get(name, {})) for name, variable in target.variables
        }
        workload = a_workload(
            self.template,
            ready_replicas=len(self._ready()),
            updated_replicas=sum(pod.setting.same_template(self.template) for pod in live),
            total_replicas=len(live),
            terminating_replicas=len(self.pods) - len(live),
            generation=self.generation,
            observed_generation=self.observed_generation,
            resource_version=str(self.version),
            rolled_out_at=self.rolled_out_at,
            written_at=self.written_at,
            settings=settings,
        )
        return replace(workload, **self.facts)

    def snapshot(self, now: datetime) -> Snapshot:
        """Return what its ready pods report: starved while most connections are out, else well."""
        ready = [self.in_processes or pod.setting for pod in self._ready()]
        limit = sum(one.workers * one.pool_limit for one in ready)
        out = self.rps * self.hold_s
        told: dict[str, Any] = {} if out > 0.8 * limit else dict(HEALTHY)
        told |= {
            "requests_rps": self.rps,
            "pool_acquisitions_rps": self.rps,
            "queries_rps": self.rps,
            "cpu_cores": self.rps / 225,
            "loop_cpu_cores": self.rps / 250,
            "pool_hold_mean_s": self.hold_s,
            "pool_in_use": min(out, limit),
            "pool_limit": limit,
            "pool_overflow": sum(one.workers * one.max_overflow for one in ready),
            "workers_alive": sum(one.workers for one in ready),
        }
        return a_snapshot(absent=self.absent, taken_at=now, pods_reporting=len(ready), **(told | self.readings))

    def _live(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.gone_at is None]

    def _ready(self) -> list[Pod]:
        return [pod for pod in self._live() if pod.ready_at <= self.now]

    def _stop(self, pod: Pod) -> None:
        pod.gone_at = self.now + timedelta(seconds=self.drain_s)
