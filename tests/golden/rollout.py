"""Pods that come and go: a Deployment that rolls a quarter at a time, a tick to start a pod and a tick to end one."""

from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from typing import Any

from golden.flow import Setting


@dataclass(slots=True, kw_only=True)
class Pods:
    """Pods of one template: those that serve, and those that are only starting."""

    ready: int
    starting: int = 0


@dataclass(slots=True, kw_only=True)
class Deployment:
    """The Deployment of the story."""

    replicas: int = 2
    workers: int = 1
    pool: int = 2
    crashing: int = 0
    """Pods that never turn ready."""
    autoscaler: dict[str, Any] | None = None
    generation: int = 1
    terminating: int = 0
    _serving: Setting = field(init=False)
    """The template that the pods of before the last rollout have."""
    _old: int = 0
    _new: Pods = field(init=False)

    def __post_init__(self) -> None:
        self._new = Pods(ready=self.replicas - self.crashing)
        self._serving = self._template()

    def write(self, step: dict[str, int]) -> None:
        """Take what one step writes."""
        before = self._template()
        self.replicas = step.get("replicas", self.replicas)
        self.workers, self.pool = step.get("workers", self.workers), step.get("poolSize", self.pool)
        self.generation += 1
        if self._template() != before:
            self._serving, self._old, self._new = before, self._new.ready, Pods(ready=0)

    def tick(self) -> None:
        """Let a tick pass: what was starting serves, as much of the old as was replaced ends, more is started."""
        self.terminating = 0
        self._new = Pods(ready=self._new.ready + self._new.starting)
        able = self.replicas - self.crashing
        spare = self.replicas // 4
        ended = min(self._old, max(0, self._old + self._new.ready - max(1, self.replicas - spare)))
        self._old, self.terminating = self._old - ended, ended
        surplus = max(0, self._new.ready - able)
        self._new.ready, self.terminating = self._new.ready - surplus, self.terminating + surplus
        room = self.replicas + ceil(self.replicas / 4) - self._old - self._new.ready if self._old else self.replicas - self._new.ready
        self._new.starting = max(0, min(able - self._new.ready, room))

    @property
    def setting(self) -> Setting:
        """What serves now; while two templates do, the smaller pool of both speaks for them."""
        pods = self._old + self._new.ready
        if not self._old:
            return Setting(pods=pods, workers=self.workers, pool=self.pool)
        old = self._serving
        return Setting(pods=pods, workers=min(self.workers, old.workers), pool=min(self.pool, old.pool))

    @property
    def connections(self) -> int:
        """The most connections that all pods may hold now, those that are ending at the dearest template."""
        new, old = self.workers * self.pool, self._serving.workers * self._serving.pool
        return (self._new.ready + self._new.starting) * new + self._old * old + self.terminating * max(new, old)

    def told(self, cpu_cores: float, memory_bytes: float) -> dict[str, Any]:
        """Return the Deployment as a line tells it."""
        ready = self._old + self._new.ready
        updated = self._new.ready + self._new.starting + self.crashing
        return {
            "replicas": self.replicas,
            "readyReplicas": ready,
            "updatedReplicas": min(updated, self.replicas),
            "terminatingReplicas": self.terminating,
            "unavailableReplicas": self._new.starting + self.crashing,
            "generation": self.generation,
            "observedGeneration": self.generation,
            "templateHash": sha256(str(self._template()).encode()).hexdigest()[:10],
            "strategy": {"type": "RollingUpdate", "maxSurge": "25%", "maxUnavailable": "25%"},
            "minReadySeconds": 0,
            "terminationGracePeriodSeconds": 30,
            "resources": {"cpuRequestCores": 0.5, "cpuLimitCores": cpu_cores, "memoryLimitBytes": memory_bytes},
            "settings": {
                "workers": {"value": self.workers, "source": "Env"},
                "poolSize": {"value": self.pool, "source": "Env"},
                "maxOverflow": {"value": 0, "source": "Env"},
            },
            "autoscaler": self.autoscaler,
        }

    def _template(self) -> Setting:
        return Setting(pods=0, workers=self.workers, pool=self.pool)
