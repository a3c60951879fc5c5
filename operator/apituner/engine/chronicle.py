"""One change in the words of the resource, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apituner.api.words import SENTENCE_MOST, timestamp
from apituner.core.change import Change, Figures, Outcome
from apituner.core.configuration import Configuration

Json = dict[str, Any]


def change_fields(change: Change) -> Json:
    """Return one change in the words of the resource."""
    seen = change.seen_before
    return {
        **past_change_fields(change),
        "because": change.because[:SENTENCE_MOST],
        "throughReplicas": change.through,
        "connectionsAtPeak": change.peak,
        "seenBefore": _figures_fields(seen) if seen is not None else None,
        "settledAt": timestamp(change.settled_at) if change.settled_at is not None else None,
        "endingSince": timestamp(change.ending_since) if change.ending_since is not None else None,
        "templateHash": change.template_hash,
    }


def past_change_fields(change: Change) -> Json:
    """Return what the history keeps of a change."""
    error = change.forecast_error
    return {
        "plan": change.plan,
        "at": timestamp(change.at),
        "reason": change.reason,
        "outcome": str(change.outcome),
        "from": configuration_fields(change.before),
        "to": configuration_fields(change.target),
        "forecastMilliseconds": _millis(change.forecast_latency_s),
        "outcomeMilliseconds": _millis(change.outcome_latency_s),
        "forecastErrorPercent": round(error * 100) if error is not None else None,
        "reverts": change.reverts,
    }


def configuration_fields(one: Configuration) -> Json:
    """Return a configuration in the words of the resource."""
    return {
        "replicas": one.replicas,
        "workers": one.workers,
        "poolSize": one.pool_size,
        "maxOverflow": one.max_overflow,
    }


def configuration_of(fields: Mapping[str, Any]) -> Configuration:
    """Read a configuration."""
    return Configuration(
        replicas=fields["replicas"],
        workers=fields["workers"],
        pool_size=fields["poolSize"],
        max_overflow=fields["maxOverflow"],
    )


def change_of(fields: Mapping[str, Any]) -> Change:
    """Read a change; what is not there was never known."""
    seen = fields.get("seenBefore")
    return Change(
        plan=fields["plan"],
        at=datetime.fromisoformat(fields["at"]),
        reason=fields["reason"],
        because=fields.get("because") or "",
        outcome=Outcome(fields["outcome"]),
        before=configuration_of(fields["from"]),
        target=configuration_of(fields["to"]),
        through=fields.get("throughReplicas"),
        peak=fields.get("connectionsAtPeak"),
        seen_before=_figures(seen) if seen is not None else None,
        forecast_latency_s=_seconds(fields.get("forecastMilliseconds")),
        outcome_latency_s=_seconds(fields.get("outcomeMilliseconds")),
        settled_at=_moment(fields.get("settledAt")),
        ending_since=_moment(fields.get("endingSince")),
        reverts=fields.get("reverts"),
        template_hash=fields.get("templateHash"),
    )


def _figures_fields(seen: Figures) -> Json:
    return {
        "requestsPerMinute": round(seen.arrivals_rps * 60),
        "latencyMilliseconds": round(seen.latency_s * 1e3),
        "errorsPerThousand": round(seen.errors_ratio * 1e3),
    }


def _figures(fields: Mapping[str, Any]) -> Figures:
    return Figures(
        arrivals_rps=fields["requestsPerMinute"] / 60,
        latency_s=fields["latencyMilliseconds"] / 1e3,
        errors_ratio=fields["errorsPerThousand"] / 1e3,
    )


def _millis(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e3)


def _seconds(millis: int | None) -> float | None:
    return None if millis is None else millis / 1e3


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
