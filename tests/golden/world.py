"""The whole world of a story: an API, its Deployment, its budget and its metrics, told line by line; steps are carried out as asked."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apituner.core.snapshot import FAST_SIGNALS
from builders import NOON
from golden.api import MIB, Api
from golden.flow import Flow, flow, routes, signals
from golden.rollout import Deployment

TICK = timedelta(seconds=15)
_WINDOW_TICKS = 4
Json = dict[str, Any]


def a_spec(mode: str = "Auto", **knobs: Any) -> Json:  # noqa: ANN401 - any knob of a spec
    """Return p95 of 250 ms within the usual bounds; *knobs* replace whole knobs, None leaves one out."""
    usual: Json = {
        "replicas": {"min": 2, "max": 12},
        "workers": {"min": 1, "max": 4, "env": "WEB_CONCURRENCY"},
        "pool": {"min": 2, "max": 30, "sizeEnv": "DB_POOL_SIZE", "overflowEnv": "DB_MAX_OVERFLOW"},
    }
    return {
        "targetRef": {"name": "orders"},
        "mode": mode,
        "objective": {"latency": {"percentile": 95, "milliseconds": 250}},
        "knobs": {name: knob for name, knob in (usual | knobs).items() if knob is not None},
        "connectionBudgetRef": {"name": "orders-db"},
    }


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that a story may change while it is told."""

    api: Api = field(default_factory=Api)
    deployment: Deployment = field(default_factory=Deployment)
    spec: Json = field(default_factory=a_spec)
    memory_bytes: float = 512 * MIB
    answers: bool = True
    """Whether Prometheus does."""
    absent: dict[str, str] = field(default_factory=dict)
    """Signals that are not there, and why."""
    restarting: bool = False
    """The next line is the first of an operator that was just started."""
    now: datetime = NOON
    status: Json | None = None
    _flows: deque[Flow] = field(default_factory=lambda: deque(maxlen=_WINDOW_TICKS))
    _past: deque[Json] = field(default_factory=lambda: deque(maxlen=8))

    def tick(self) -> None:
        """Let fifteen seconds pass."""
        self.now += TICK
        self.deployment.tick()
        self._scale_by_cpu()
        objective_s = self.spec["objective"]["latency"]["milliseconds"] / 1000
        self._flows.append(flow(self.api, self.deployment.setting, objective_s))

    def line(self) -> Json:
        """Return what is asked of the brain now."""
        told = self._signals()
        asked: Json = {
            "v": 1,
            "id": "shop/orders",
            "now": _text(self.now),
            "spec": self.spec,
            "deployment": self.deployment.told(1.0, self.memory_bytes),
            "signals": told,
            "budget": self.budget,
            "status": self.status,
        }
        if self.restarting:
            asked |= {"restart": True, "history": list(self._past)}
            self.restarting = False
        if told is not None:
            self._past.append(told)
        return asked

    def take(self, answer: Mapping[str, Any]) -> None:
        """Carry out what *answer* asks for, and keep what it wants back."""
        self.status = answer["status"]
        if answer["decision"]["step"] is not None:
            self.deployment.write(answer["decision"]["step"])

    @property
    def budget(self) -> dict[str, int]:
        """The connections of the database, as the status of the budget tells them."""
        limit, granted = self.api.database.limit - self.api.database.reserved, self.deployment.connections
        return {"limit": limit, "grantedToThis": granted, "free": limit - granted - self.api.others_connections}

    def _signals(self) -> Json | None:
        if not self.answers:
            return None
        values = signals(list(self._flows), self.api, self.deployment.setting)
        fast = signals(list(self._flows)[-2:], self.api, self.deployment.setting)
        if self.deployment.crashing:
            values["restarts_per_hour"] = 20
        return {
            "at": _text(self.now - timedelta(seconds=2)),
            "windowSeconds": 60,
            "podsReporting": self.deployment.setting.pods,
            "values": {name: value for name, value in values.items() if name not in self.absent},
            "absent": dict(self.absent),
            "fast": {"windowSeconds": 30, "values": {name: fast[name] for name in sorted(FAST_SIGNALS)}},
            "routes": routes(self.api, values["requests_rps"]),
        }

    def _scale_by_cpu(self) -> None:
        """Do what a HorizontalPodAutoscaler does at 70 % of a request of half a core, within its bounds and its tolerance."""
        scaler, pods = self.deployment.autoscaler, self.deployment.setting.pods
        if scaler is None or not self._flows:
            return
        ratio = self._flows[-1].cpu_cores / pods / 0.5 / 0.7
        if abs(ratio - 1) > 0.1:
            wanted = min(scaler["maxReplicas"], max(scaler["minReplicas"], -int(-self.deployment.replicas * ratio // 1)))
            if wanted != self.deployment.replicas:
                self.deployment.write({"replicas": wanted})


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
