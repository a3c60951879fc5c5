"""Whether the spec allows a configuration: every named knob within its bounds, and no other moved."""

from apituner.core.configuration import Configuration, Knob
from apituner.core.policy import Policy


def outside_because(before: Configuration, target: Configuration, policy: Policy) -> str | None:
    """Say why the spec does not allow to go from *before* to *target*, None where it does; what stays may lie outside."""
    stays, goes = _values(before), _values(target)
    for knob in Knob:
        if stays[knob] == goes[knob]:
            continue
        bounds = policy.knobs.get(knob)
        if bounds is None:
            return f"the spec does not name {knob}: it stays as it is"
        value = _compared(knob, target)
        if not bounds.least <= value <= bounds.most:
            return f"{knob} {value} is not within the bounds of the spec, {bounds.least} to {bounds.most}"
    return None


def _values(one: Configuration) -> dict[Knob, tuple[int, ...]]:
    return {Knob.REPLICAS: (one.replicas,), Knob.WORKERS: (one.workers,), Knob.POOL: (one.pool_size, one.max_overflow)}


def _compared(knob: Knob, one: Configuration) -> int:
    """Return what the bounds of *knob* speak of: of the pool its whole limit, overflow included."""
    return {Knob.REPLICAS: one.replicas, Knob.WORKERS: one.workers, Knob.POOL: one.pool_limit}[knob]
