"""Arrivals by the clock: five-minute means, from which two whole days make a forecast."""

import math
from dataclasses import dataclass, replace

from apituner.core.estimation import floats
from apituner.core.estimation.season import Season

# A day of five minutes is 288 figures: a kilobyte, where the 1440 minutes of a day would take six, and two days are held until the first
# forecast. A pod is ready within minutes, so a finer curve would foretell nothing that can still be acted on.
WIDTH_S = 300.0
PERIOD = 288


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCurve:
    """What came by the time of day: the slot that is open, those before it, and a forecast once two whole periods are known."""

    width_s: float = WIDTH_S
    period: int = PERIOD
    slot: int | None = None
    """The slot of now: how many widths since the epoch."""
    total_rps: float = 0.0
    windows: int = 0
    closed: bytes = b""
    """Means of the slots before it, without a hole, the latest last; none once there is a forecast."""
    season: Season | None = None

    def seeing(self, at_s: float, arrivals_rps: float) -> "DailyCurve":
        """Return the curve after one more window; *at_s* is not before the last."""
        slot = math.floor(at_s / self.width_s)
        if slot == self.slot:
            return replace(self, total_rps=self.total_rps + arrivals_rps, windows=self.windows + 1)
        known = self if self.slot is None else self._closing(self.slot, slot, arrivals_rps)
        return replace(known, slot=slot, total_rps=arrivals_rps, windows=1)

    def expected_rps(self, at_s: float) -> float | None:
        """
        Return what comes at most, nine of ten times, at *at_s*; None without a forecast that has proved itself.

        A slot's mean is what came in its middle; between two middles, a straight line.
        """
        if self.season is None or not self.season.proved:
            return None
        place = at_s / self.width_s - 0.5
        step = math.floor(place)
        before, after = (self.season.upper(max(self.season.last + 1, one)) for one in (step, step + 1))
        return before + (after - before) * (place - step)

    def _closing(self, opened: int, slot: int, next_rps: float) -> "DailyCurve":
        """
        Return the curve with the slot *opened* closed, and the hole from there to *slot* filled.

        A forecast bridges a hole by itself. Before there is one, a straight line does; but not over half a period: what is more line than
        curve has no shape to learn.
        """
        mean_rps, hole = self.total_rps / self.windows, slot - opened - 1
        if self.season is not None:
            season = self.season.seeing(mean_rps)
            return replace(self, season=season.passed(slot - 1) if hole else season)
        if hole > self.period // 2:
            return replace(self, closed=b"")
        line = [mean_rps + (next_rps - mean_rps) * i / (hole + 1) for i in range(hole + 1)]
        closed = self.closed + floats.packed(line)
        if (more := floats.count(closed) - 2 * self.period) < 0:
            return replace(self, closed=closed)
        # Of a hole that ends beyond the second period, the forecast itself takes the rest.
        series = floats.values(closed)[: 2 * self.period]
        season = Season.begun(series, last=slot - 1 - more, period=self.period)
        return replace(self, closed=b"", season=season.passed(slot - 1) if more else season)
