"""Whether a status says something new: figures that merely flicker are not worth a write."""

from collections.abc import Mapping
from typing import Any

from apituner.engine.recall import MEMORY_FIELDS

# A figure is news when it moved by more than a fifth of what was last reported, and by more than a handful of its unit.
_RELATIVE = 0.20
_ABSOLUTE = 10

_EXACT = ("observedGeneration", "current", *MEMORY_FIELDS, "limit", "granted", "free")


def is_news(status: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    """
    Say whether *status* differs from *last* in a verdict, a reason, a setting or markedly in a figure.

    Sentences quote figures and so differ at every sweep: they are compared by the reason that stands beside them.
    """
    return _skeleton(status) != _skeleton(last) or _moved(status.get("observed"), last.get("observed"))


def _skeleton(status: Mapping[str, Any]) -> dict[str, Any]:
    diagnosis = status.get("diagnosis") or {}
    recommendation = status.get("recommendation") or {}
    decision = status.get("decision") or {}
    return {
        **{name: _without_none(status.get(name)) for name in _EXACT},
        "conditions": {(c["type"], c["status"], c["reason"]) for c in status.get("conditions") or ()},
        "bottleneck": diagnosis.get("bottleneck"),
        "findings": [(f["check"], f["reason"], f["verdict"]) for f in diagnosis.get("findings") or ()],
        "decision": (decision.get("kind"), decision.get("reason")),
        "plan": recommendation.get("plan"),
        "objective": (status.get("summary") or {}).get("objective"),
    }


def _without_none(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Drop nulls: the API server drops them, so they are the same as absent."""
    if isinstance(value, Mapping):
        return {name: _without_none(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_none(part) for part in value] or None
    return value


def _moved(observed: Mapping[str, Any] | None, last: Mapping[str, Any] | None) -> bool:
    observed, last = _without_none(observed or {}), _without_none(last or {})
    if observed.keys() != last.keys():
        return True
    return any(abs(observed[name] - last[name]) > max(_ABSOLUTE, _RELATIVE * abs(last[name])) for name in observed)
