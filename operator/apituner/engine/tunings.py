"""Every ApiTuning as one sweep takes it: what it asks for, or why it cannot be followed."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from apituner.api.apituning import ApiTuningSpec
from apituner.core.workload import TargetFault
from apituner.engine.intent import Intent, intent
from apituner.engine.registry import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """One ApiTuning whose spec can be followed."""

    resource: Resource
    intent: Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One ApiTuning whose spec cannot be followed, and why."""

    resource: Resource
    fault: TargetFault


def tunings(found: Iterable[Resource], *, stabilization_s: float) -> list[Tuning | Refused]:
    """Read every spec of *found*, which must come with the oldest first: of two on one Deployment the older wins."""
    owners: dict[tuple[str, str], str] = {}
    return [_tuning(one, owners, stabilization_s) for one in found]


def _tuning(one: Resource, owners: dict[tuple[str, str], str], stabilization_s: float) -> Tuning | Refused:
    try:
        wanted = intent(*one.key, ApiTuningSpec.model_validate(one.spec), stabilization_s=stabilization_s)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in ("spec", *first["loc"]))
        because = f"{where}: {first['msg']}; upgrade the CRDs and the operator together, or correct the field"
        return Refused(resource=one, fault=TargetFault(reason="SpecRefused", because=because))
    deployment = wanted.target.deployment
    owner = owners.setdefault((one.namespace, deployment), one.name)
    if owner != one.name:
        because = f"ApiTuning {owner} is older and tunes Deployment {deployment} already: delete one of the two"
        return Refused(resource=one, fault=TargetFault(reason="DuplicateTarget", because=because))
    return Tuning(resource=one, intent=wanted)
