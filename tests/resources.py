"""
The two resources as a user writes them, and every rule of their specs as a case: the models and the API server answer the same.

A case is the sample from the chart's examples with some fields changed, by dotted path.
"""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

Manifest = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "charts" / "apituner" / "examples"
LEFT_OUT = object()
"""The value of a field that a case leaves out."""


def an_apituning(changes: dict[str, Any] | None = None) -> Manifest:
    """The example ApiTuning with *changes* to its spec."""
    return _changed(yaml.safe_load((EXAMPLES / "apituning.yaml").read_text(encoding="utf-8")), changes or {})


def a_connectionbudget(changes: dict[str, Any] | None = None) -> Manifest:
    """The example ConnectionBudget with *changes* to its spec."""
    return _changed(yaml.safe_load((EXAMPLES / "connectionbudget.yaml").read_text(encoding="utf-8")), changes or {})


def _changed(manifest: Manifest, changes: dict[str, Any]) -> Manifest:
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = manifest["spec"]
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is LEFT_OUT:
            del place[last]
        else:
            place[last] = copy.deepcopy(value)
    return manifest


ACCEPTED_APITUNINGS = [
    pytest.param({}, id="the example"),
    pytest.param({"mode": "Auto"}, id="mode Auto"),
    pytest.param({"containerName": LEFT_OUT}, id="no container named"),
    pytest.param({"connectionBudgetRef": LEFT_OUT}, id="no budget named"),
    pytest.param({"knobs": {"replicas": {"min": 1, "max": 1000}}}, id="replicas alone, as wide as can be"),
    pytest.param({"knobs": {"workers": {"min": 1, "max": 64}}}, id="workers alone, without their variable"),
    pytest.param({"knobs": {"pool": {"min": 1, "max": 1000, "sizeEnv": "POOL"}}}, id="a pool alone, without overflow"),
    pytest.param({"knobs.replicas": {"min": 3, "max": 3}}, id="min equal to max"),
    pytest.param({"targetRef.name": "orders.v2"}, id="a Deployment with a dot in its name"),
    pytest.param({"objective.maxErrorPercent": 0, "rollout.cooldownSeconds": 0}, id="no error and no rest"),
    pytest.param({"metrics": {"source": "eu-west"}}, id="another metrics source by name"),
    pytest.param({"metrics": {"preset": "PrometheusFastapiInstrumentator"}}, id="an exporter by name"),
    pytest.param({"rollout.onConflict": "Take", "rollout.via": "Env", "suspend": True}, id="take over, suspended"),
]

_NOT_EMPTY = "name at least one knob: replicas, workers or pool"
_ORDER = "min must not exceed max: lower min or raise max"
_UNLIMITED = "0 and -1 make a pool of SQLAlchemy unlimited"
_STEERS = "steers the process or the platform and is never written: name the variable that your API reads"
_UPPER = "must be upper-case letters, digits and underscores, beginning with a letter: write it as in WEB_CONCURRENCY"
_ONE_EACH = "one variable cannot carry two settings, so name the variable of each"
_BARE = "must be the bare name of an object"

REFUSED_APITUNINGS = [
    pytest.param({"knobs": {}}, _NOT_EMPTY, id="no knob"),
    pytest.param({"knobs.replicas": {"min": 5, "max": 4}}, _ORDER, id="replicas upside down"),
    pytest.param({"knobs.workers": {"min": 3, "max": 2}}, _ORDER, id="workers upside down"),
    pytest.param({"knobs.pool.min": 31}, _ORDER, id="pool upside down"),
    pytest.param({"knobs.replicas.min": 0}, "a Deployment scaled to 0 counts as switched off", id="scale to zero"),
    pytest.param({"knobs.pool.min": 0}, _UNLIMITED, id="pool size 0, unlimited to SQLAlchemy, as min"),
    pytest.param({"knobs.pool.max": 0}, _UNLIMITED, id="pool size 0, unlimited to SQLAlchemy, as max"),
    pytest.param({"knobs.pool.max": -1}, _UNLIMITED, id="overflow -1, unlimited to SQLAlchemy, as max"),
    pytest.param({"knobs.pool.min": -1}, _UNLIMITED, id="overflow -1, unlimited to SQLAlchemy, as min"),
    pytest.param({"knobs.workers.env": "web_concurrency"}, _UPPER, id="a variable in lower case"),
    pytest.param({"knobs.workers.env": "2WORKERS"}, _UPPER, id="a variable beginning with a digit"),
    pytest.param({"knobs.pool.sizeEnv": ""}, _UPPER, id="a variable without a name"),
    pytest.param({"knobs.pool.overflowEnv": "DB-OVERFLOW"}, _UPPER, id="a variable with a hyphen"),
    pytest.param({"knobs.pool.sizeEnv": "DB_POOL\n"}, _UPPER, id="a variable with a line break behind it"),
    pytest.param({"knobs.workers.env": "LD_PRELOAD"}, _STEERS, id="the loader's variable"),
    pytest.param({"knobs.pool.sizeEnv": "PYTHONPATH"}, _STEERS, id="the interpreter's variable"),
    pytest.param({"knobs.pool.overflowEnv": "PATH"}, _STEERS, id="the search path"),
    pytest.param({"knobs.workers.env": "HOME"}, _STEERS, id="the home folder"),
    pytest.param({"knobs.workers.env": "PROMETHEUS_MULTIPROC_DIR"}, _STEERS, id="the metrics' own variable"),
    pytest.param(
        {"knobs.pool.overflowEnv": "DB_POOL_SIZE"}, "overflowEnv must differ from sizeEnv", id="size and overflow in one variable"
    ),
    pytest.param({"knobs.workers.env": "DB_POOL_SIZE"}, _ONE_EACH, id="workers and pool size in one variable"),
    pytest.param({"knobs.workers.env": "DB_MAX_OVERFLOW"}, _ONE_EACH, id="workers and overflow in one variable"),
    pytest.param({"knobs.pool.sizeEnv": "WEB_CONCURRENCY"}, _ONE_EACH, id="pool size in the variable of workers"),
    pytest.param({"targetRef.name": "Deployment/orders"}, _BARE, id="a target with its kind in front"),
    pytest.param({"targetRef.name": ""}, _BARE, id="a target without a name"),
    pytest.param({"connectionBudgetRef.name": "shop/orders-db"}, _BARE, id="a budget with its namespace in front"),
    pytest.param({"containerName": "Api"}, "must be lower-case letters, digits and hyphens", id="a container in upper case"),
    pytest.param({"metrics": {"source": "http://evil"}}, "an address is not accepted here", id="an address as metrics source"),
]

# Here the API server's own words already name the field and what it accepts; the models have other words for the same.
REFUSED_BY_SHAPE = [
    pytest.param({"mode": "Approve"}, 'supported values: "Recommend", "Auto"', id="a mode that does not exist"),
    pytest.param({"rollout.via": "ConfigMap"}, 'supported values: "Env"', id="a way that does not exist"),
    pytest.param({"rollout.onConflict": "Force"}, 'supported values: "Yield", "Take"', id="a conflict policy that does not exist"),
    pytest.param({"objective.latency.percentile": 100}, "should be less than or equal to 99", id="the slowest request of all"),
    pytest.param({"objective.latency.percentile": 49}, "should be greater than or equal to 50", id="less than the median"),
    pytest.param({"objective.latency.percentile": 99.9}, "must be of type integer", id="a fraction of a percentile"),
    pytest.param({"objective.latency.milliseconds": 0}, "should be greater than or equal to 1", id="no time at all"),
    pytest.param({"objective.latency.milliseconds": 60001}, "should be less than or equal to 60000", id="more than a minute"),
    pytest.param({"objective.latency.milliseconds": "250"}, "must be of type integer", id="milliseconds as text"),
    pytest.param({"objective.maxErrorPercent": 101}, "should be less than or equal to 100", id="more than all requests"),
    pytest.param({"objective.maxErrorPercent": -1}, "should be greater than or equal to 0", id="fewer than no error"),
    pytest.param({"knobs.replicas.max": 1001}, "should be less than or equal to 1000", id="too many replicas"),
    pytest.param({"knobs.workers.min": 0}, "should be greater than or equal to 1", id="no worker"),
    pytest.param({"knobs.workers.max": 65}, "should be less than or equal to 64", id="too many workers"),
    pytest.param({"knobs.pool.max": 1001}, "should be less than or equal to 1000", id="too large a pool"),
    pytest.param({"knobs.pool.enginesPerWorker": 0}, "should be greater than or equal to 1", id="no engine"),
    pytest.param({"knobs.pool.enginesPerWorker": 17}, "should be less than or equal to 16", id="too many engines"),
    pytest.param({"rollout.cooldownSeconds": -1}, "should be greater than or equal to 0", id="a rest that ended before"),
    pytest.param({"rollout.cooldownSeconds": 86401}, "should be less than or equal to 86400", id="more than a day of rest"),
    pytest.param({"rollout.maxPerDay": 0}, "should be greater than or equal to 1", id="no change a day"),
    pytest.param({"rollout.maxPerDay": 11}, "should be less than or equal to 10", id="more changes than are remembered"),
    pytest.param({"targetRef": LEFT_OUT}, "spec.targetRef: Required value", id="no target"),
    pytest.param({"objective": LEFT_OUT}, "spec.objective: Required value", id="no objective"),
    pytest.param({"objective.latency.milliseconds": LEFT_OUT}, "spec.objective.latency.milliseconds: Required value", id="no milliseconds"),
    pytest.param({"knobs": LEFT_OUT}, "spec.knobs: Required value", id="no knobs at all"),
    pytest.param({"knobs.replicas.max": LEFT_OUT}, "spec.knobs.replicas.max: Required value", id="no upper bound"),
    pytest.param({"knobs.pool.sizeEnv": LEFT_OUT}, "spec.knobs.pool.sizeEnv: Required value", id="no variable for the pool"),
    pytest.param({"knobs.workers.env": "W" * 65}, "may not be more than 64 bytes", id="too long a variable"),
    pytest.param({"targetRef.name": "a" * 254}, "may not be more than 253 bytes", id="too long a target"),
    pytest.param({"targetRef.kind": "StatefulSet"}, 'unknown field "spec.targetRef.kind"', id="another kind of target"),
    pytest.param(
        {"metrics": {"preset": "Statsd"}}, 'supported values: "Auto", "Apituner", "OpenTelemetry"', id="an exporter that is not known"
    ),
    pytest.param({"prometheus": {"url": "http://evil"}}, 'unknown field "spec.prometheus"', id="an address of a Prometheus"),
]

ACCEPTED_BUDGETS = [
    pytest.param({}, id="the example"),
    pytest.param({"reserved": LEFT_OUT}, id="nothing said about the reserve"),
    pytest.param({"reserved": 99}, id="one connection to grant"),
    pytest.param({"allowedNamespaces": ["shop", "billing"]}, id="two namespaces"),
]

REFUSED_BUDGETS = [
    pytest.param({"reserved": 100}, "lower reserved or raise maxConnections", id="all reserved"),
    pytest.param({"maxConnections": 2, "reserved": LEFT_OUT}, "lower reserved or raise maxConnections", id="fewer than the usual reserve"),
    pytest.param({"maxConnections": 0}, "an unlimited budget protects no database", id="0 for unlimited"),
    pytest.param({"maxConnections": -1}, "an unlimited budget protects no database", id="-1 for unlimited"),
    pytest.param({"allowedNamespaces": ["Shop"]}, "must be lower-case letters, digits and hyphens", id="a namespace in upper case"),
]

BUDGETS_REFUSED_BY_SHAPE = [
    pytest.param({"maxConnections": 100_001}, "should be less than or equal to 100000", id="too many connections"),
    pytest.param({"maxConnections": LEFT_OUT}, "spec.maxConnections: Required value", id="no limit said"),
    pytest.param({"reserved": -1}, "should be greater than or equal to 0", id="a negative reserve"),
    pytest.param({"allowedNamespaces": ["shop", "shop"]}, 'Duplicate value: "shop"', id="a namespace twice"),
    pytest.param({"allowedNamespaces": [f"n{i}" for i in range(101)]}, "must have at most 100 items", id="too many namespaces"),
]
