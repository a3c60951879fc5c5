"""Conditions from one status to the next: pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apituner.api.words import SENTENCE_MOST, timestamp

_MOST = 16
"""Conditions kept: twice as many as there are, so that only a bug meets the bound."""


def merged_conditions(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """
    *new* with every lastTransitionTime: the old one where the status has not turned, else *now*.

    A new reason or message is no transition (k8s.io/apimachinery, meta.SetStatusCondition). Old conditions that *new* does not hold
    are gone: each sweep tells the whole truth.
    """
    before = {condition["type"]: condition for condition in old}
    return [_timed(condition, before.get(condition["type"], {}), now) for condition in new[:_MOST]]


def _timed(condition: Mapping[str, Any], before: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    same = condition["status"] == before.get("status") and "lastTransitionTime" in before
    return {
        **condition,
        "message": shortened(condition.get("message", ""), SENTENCE_MOST),
        "lastTransitionTime": before["lastTransitionTime"] if same else timestamp(now),
    }


def shortened(text: str, longest: int) -> str:
    """*text* in at most *longest* characters, with an ellipsis where something is missing."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
