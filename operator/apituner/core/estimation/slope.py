"""How fast more requests come, over the last minute: for growing only."""

import math
from dataclasses import dataclass

# A minute of sweeps at 15 s makes five samples; faster sweeps are thinned.
_OVER_S = 60.0
_SAMPLES_MOST = 6
# Three samples make a line that could also have been none.
_SAMPLES_LEAST = 3
# A line through noise: a slope of less than three of its own standard errors is none.
_CLEAR = 3.0
# However steep: a minute's slope says nothing of loads twice as large.
_TIMES_MOST = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What came within the window that ended then."""

    at_s: float
    arrivals_rps: float
    in_flight: float | None


def kept(samples: tuple[Sample, ...], latest: Sample) -> tuple[Sample, ...]:
    """Return *samples* with *latest*: those of the last minute and so many more that a line is left, thinned evenly to a handful."""
    recent = tuple(one for one in samples if one.at_s >= latest.at_s - _OVER_S)
    recent = (*(recent if len(recent) >= _SAMPLES_LEAST - 1 else samples[-(_SAMPLES_LEAST - 1) :]), latest)
    if len(recent) <= _SAMPLES_MOST:
        return recent
    # The one between the closest neighbours is missed least; the first and the last hold the line.
    gaps = [after.at_s - before.at_s for before, after in zip(recent, recent[2:], strict=False)]
    least = gaps.index(min(gaps)) + 1
    return recent[:least] + recent[least + 1 :]


def slope_rps_per_s(samples: tuple[Sample, ...]) -> float:
    """Return the slope of a line through *samples* by least squares; 0 where it falls, or does not stand out from their scatter."""
    if len(samples) < _SAMPLES_LEAST:
        return 0.0
    count = len(samples)
    mean_s = sum(one.at_s for one in samples) / count
    mean_rps = sum(one.arrivals_rps for one in samples) / count
    spread = sum((one.at_s - mean_s) ** 2 for one in samples)
    slope = sum((one.at_s - mean_s) * (one.arrivals_rps - mean_rps) for one in samples) / spread
    scatter = sum((one.arrivals_rps - mean_rps - slope * (one.at_s - mean_s)) ** 2 for one in samples)
    error = math.sqrt(scatter / (count - 2) / spread)
    return slope if slope > _CLEAR * error else 0.0


def expected_rps(samples: tuple[Sample, ...], lead_s: float) -> float:
    """Return what comes in *lead_s* if it goes on as over the last minute: never less than now, at most twice that. Not for none."""
    now_rps = samples[-1].arrivals_rps
    return min(_TIMES_MOST * now_rps, now_rps + slope_rps_per_s(samples) * lead_s)


def growth_rps(samples: tuple[Sample, ...], at_s: float, in_flight: float | None) -> float:
    """
    Return how many more requests came per second than were completed, over the last minute: what the number inside has grown by.

    Flow balance: arrivals = completions + growth of the number inside; an API in overload completes only what it can.
    """
    known = [one for one in samples if at_s - _OVER_S <= one.at_s < at_s and one.in_flight is not None]
    if in_flight is None or not known:
        return 0.0
    oldest = known[0]
    return max(0.0, in_flight - (oldest.in_flight or 0.0)) / (at_s - oldest.at_s)
