"""Lines for ``apituner decide``: the starved API of the contract, in which a test changes what it is about."""

import copy
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from apituner.cli.filter.brain import Brain
from builders import NOON

GONE = object()
"""In place of a value: the field is left out."""

_LINE: dict[str, Any] = {
    "v": 1,
    "id": "shop/orders",
    "now": "2026-11-23T12:00:00Z",
    "spec": {
        "targetRef": {"name": "orders"},
        "mode": "Auto",
        "objective": {"latency": {"percentile": 95, "milliseconds": 250}},
        "knobs": {
            "replicas": {"min": 2, "max": 4},
            "workers": {"min": 1, "max": 1},
            "pool": {"min": 2, "max": 15, "sizeEnv": "DB_POOL_SIZE", "overflowEnv": "DB_MAX_OVERFLOW"},
        },
        "connectionBudgetRef": {"name": "orders-db"},
    },
    "deployment": {
        "replicas": 2,
        "readyReplicas": 2,
        "updatedReplicas": 2,
        "terminatingReplicas": 0,
        "unavailableReplicas": 0,
        "generation": 7,
        "observedGeneration": 7,
        "templateHash": "649d6c79b7",
        "strategy": {"type": "RollingUpdate", "maxSurge": "25%", "maxUnavailable": 1},
        "minReadySeconds": 0,
        "terminationGracePeriodSeconds": 30,
        "resources": {"cpuRequestCores": 0.5, "cpuLimitCores": 1.0, "memoryLimitBytes": 536870912},
        "settings": {
            "workers": {"value": 1, "source": "Env"},
            "poolSize": {"value": 2, "source": "Env"},
            "maxOverflow": {"value": 0, "source": "Default"},
        },
        "autoscaler": None,
    },
    "signals": {
        "at": "2026-11-23T11:59:58Z",
        "windowSeconds": 60,
        "podsReporting": 2,
        "values": {
            "requests_rps": 90,
            "errors_ratio": 0,
            "in_flight": 60,
            "latency_mean_s": 0.4,
            "latency_objective_s": 0.9,
            "over_objective_ratio": 0.6,
            "cpu_cores": 0.4,
            "loop_cpu_cores": 0.36,
            "loop_lag_mean_s": 0.002,
            "loop_lag_p99_s": 0.01,
            "loop_blocked_ratio": 0,
            "pool_wait_mean_s": 0.35,
            "pool_hold_mean_s": 0.04,
            "pool_acquisitions_rps": 90,
            "pool_timeouts_rps": 0,
            "pool_in_use": 3.6,
            "pool_limit": 4,
            "pool_overflow": 0,
            "queries_rps": 90,
            "query_mean_s": 0.035,
            "workers_alive": 2,
            "worker_rss_max_bytes": 94371840,
        },
        "absent": {"external_mean_s": "NoSeries"},
        "fast": {"windowSeconds": 30, "values": {"requests_rps": 92.5, "cpu_cores": 0.41}},
        "routes": {"/orders/{id}": {"requests_rps": 60, "queries_per_request": 1.0}},
    },
    "budget": {"limit": 90, "grantedToThis": 4, "free": 34},
    "status": None,
}

HEALTHY = {
    "signals.values.latency_mean_s": 0.05,
    "signals.values.latency_objective_s": 0.1,
    "signals.values.over_objective_ratio": 0.0,
    "signals.values.pool_wait_mean_s": 0.0,
}
"""Changes that make the API meet its objective."""


def a_line(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the line after *changes*, each a path of names and what stands there instead."""
    line = copy.deepcopy(_LINE)
    for path, value in (changes or {}).items():
        *names, last = path.split(".")
        part = line
        for name in names:
            part = part[name]
        if value is GONE:
            del part[last]
        else:
            part[last] = copy.deepcopy(value)
    return line


def later(seconds: float, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the line of so many seconds after noon, its figures two seconds old."""
    now = NOON + timedelta(seconds=seconds)
    return a_line({"now": _text(now), "signals.at": _text(now - timedelta(seconds=2)), **(changes or {})})


def asked(brain: Brain, line: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return the answer of *brain* to one line; it has the shape of an answer, whatever was asked."""
    answer: dict[str, Any] = json.loads(brain.answer(line if isinstance(line, bytes) else json.dumps(line).encode()))
    assert list(answer)[:2] == ["v", "id"]
    assert ("error" in answer) != ("decision" in answer)
    return answer


def refusal(line: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the sentence by which a fresh brain refuses *line*."""
    sentence: str = asked(Brain(), line)["error"]
    return sentence


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def story(brain: Brain, *changes: Mapping[str, Any], begin_s: float = 0) -> list[dict[str, Any]]:
    """Ask one line every fifteen seconds, each with the status of the last, and return the answers."""
    answers, status = list[dict[str, Any]](), None
    for place, change in enumerate(changes):
        answers.append(asked(brain, later(begin_s + 15 * place, {"status": status, **change})))
        status = answers[-1]["status"]
    return answers


def first(kind: str, brain: Brain, changes: Mapping[str, Any] | None = None) -> tuple[float, dict[str, Any]]:
    """Ask every fifteen seconds until an answer of *kind* comes; return when, and the answer."""
    status = None
    for place in range(60):
        answer = asked(brain, later(15 * place, {"status": status, **(changes or {})}))
        status = answer["status"]
        if answer["decision"]["kind"] == kind:
            return 15 * place, answer
    raise AssertionError(f"no {kind} within a quarter of an hour, but {answer['decision']}")
