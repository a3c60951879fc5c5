"""What deserves an Event: a change that was begun or ended, a refusal that is new."""

from collections.abc import Mapping
from typing import Any

from apituner.ports import Notice

_PACE = ("Settling", "PodsEnding", "PodsUnknown", "WindowsDisagree", "ScaleDownStabilizing", "ScaleDownPacing")
_QUIET_HOLDS = frozenset({"Stabilizing", "RolloutInProgress", "WindowTooYoung", "CoolingDown", "NoTraffic", "TooFewRequests", *_PACE})
"""Holds that pass by themselves."""


def notice_of(status: Mapping[str, Any], last: Mapping[str, Any]) -> Notice | None:
    """Return the Event that tells the way from *last* to *status*, None where it is not worth one."""
    change, before = status.get("lastChange") or {}, last.get("lastChange") or {}
    if (change.get("plan"), change.get("at"), change.get("outcome")) != (before.get("plan"), before.get("at"), before.get("outcome")):
        return _change_notice(change)
    decision, earlier = status.get("decision") or {}, last.get("decision") or {}
    if (decision.get("kind"), decision.get("reason")) == (earlier.get("kind"), earlier.get("reason")):
        return None
    if decision["kind"] == "Recommend":
        return Notice(normal=True, reason="Recommended", action="Recommend", note=decision["because"])
    if decision["reason"] in ("TuningCannotHelp", "LoopBlocked", "DatabaseSaturated"):
        return Notice(normal=False, reason=decision["reason"], action="Diagnose", note=decision["because"])
    if decision["kind"] == "Hold" and decision["reason"] not in _QUIET_HOLDS:
        return Notice(normal=False, reason=decision["reason"], action="Hold", note=decision["because"])
    return None


def _change_notice(change: Mapping[str, Any]) -> Notice | None:
    if not change:
        return None
    target = change["to"]
    setting = f"{target['replicas']} replicas x {target['workers']} workers x pool {target['poolSize']}"
    if change["outcome"] == "Applying":
        reason, action = ("RevertBegun", "Revert") if change.get("reverts") else ("ChangeBegun", "Apply")
        return Notice(normal=not change.get("reverts"), reason=reason, action=action, note=f"{setting}: {change['because']}")
    said = _ENDS.get(change["outcome"])
    if said is None:
        return None
    return Notice(normal=change["outcome"] not in _BAD_ENDS, reason=f"Change{change['outcome']}", action="Apply", note=f"{setting} {said}")


_ENDS = {
    "Improved": "is in force, and better than what was before",
    "NoBetter": "is in force, and no better than what was before: kept",
    "Applied": "is in force, and could not be compared with what was before: kept",
    "Worse": "made things worse",
    "Reverted": "is in force again",
    "Abandoned": "was given up",
}
"""Settling is told by its end."""
_BAD_ENDS = frozenset({"Worse", "Abandoned"})
