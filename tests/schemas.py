"""A status as the API server judges it: by the schema of the CRD, where a field that it would prune is an error, and by the models."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from apituner.api.status import ApiTuningStatus, ConnectionBudgetStatus
from apituner.engine.registry import Kind

_CRDS = Path(__file__).resolve().parents[1] / "crds"
_MODELS: dict[Kind, type[ApiTuningStatus] | type[ConnectionBudgetStatus]] = {
    Kind.TUNING: ApiTuningStatus,
    Kind.BUDGET: ConnectionBudgetStatus,
}


def check_status(kind: Kind, status: Any) -> None:  # noqa: ANN401 - any JSON value
    """Raise where the API server would refuse *status* or drop a part of it, or the models do not read it."""
    _check(kind, json.dumps(status))


@cache
def _check(kind: Kind, text: str) -> None:
    """Judge each text once: properties tell the same story many times."""
    status = json.loads(text)
    _validator(kind).validate(status)
    _MODELS[kind].model_validate(status)


def over_the_wire(body: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return *body* as another process receives it: nothing is shared, nothing but JSON survives."""
    return json.loads(json.dumps(body))


@cache
def _validator(kind: Kind) -> jsonschema.Draft202012Validator:
    """Return the CRD's schema of the status, in which a field that the API server would prune is an error."""
    crd = yaml.safe_load((_CRDS / f"{kind}.yaml").read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    return jsonschema.Draft202012Validator(_closed(schema))


def _closed(schema: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    return closed | {"additionalProperties": False} if isinstance(schema.get("properties"), dict) and "type" in schema else closed
