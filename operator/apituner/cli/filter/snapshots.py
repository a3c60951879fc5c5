"""A line's figures as the core's Snapshot."""

from datetime import datetime

from apituner.cli.filter.sighted import SignalsPart
from apituner.core.snapshot import Absence, Exporter, Snapshot, Unobserved

_LINE = Exporter(name="the line", note="its figures are taken as they are told")


def seen(told: SignalsPart | None, now: datetime) -> Snapshot | Unobserved:
    """Return what was seen at *now*; figures that are a whole window old are of another time, and stale."""
    if told is None:
        return Unobserved(reason=Absence.UNREACHABLE, because="signals is null: Prometheus did not answer")
    age_s = (now - told.at).total_seconds()
    if age_s > told.window_seconds:
        because = f"the figures are {age_s:.0f} s old, more than their window of {told.window_seconds:.0f} s"
        return Unobserved(reason=Absence.STALE, because=because)
    return snapshot(told)


def snapshot(told: SignalsPart) -> Snapshot:
    """Return the figures of one window."""
    return Snapshot(
        taken_at=told.at,
        window_s=told.window_seconds,
        pods_reporting=told.pods_reporting,
        readings=told.values,
        absent=told.absent,
        exporter=_LINE,
        fast={} if told.fast is None else told.fast.values,
        fast_window_s=0.0 if told.fast is None else told.fast.window_seconds,
        routes=told.routes,
    )
