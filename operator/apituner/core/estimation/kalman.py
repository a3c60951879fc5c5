"""One demand of a request, tracked through noise and releases by a scalar Kalman filter. Source: Zheng, Woodside, Litoiu 2008."""

import math
from dataclasses import dataclass, replace

from apituner.core.estimation.estimate import Estimate

# The noise of one window, as a share of what it shows: 10 % multiplicative noise is what the filter's figures were measured with. Windows
# of 60 s that are seen every 15 s repeat three quarters of themselves, but average four times as much: the two about cancel.
_NOISE = 0.10
# How far a demand wanders by itself, as a share, in the time between two looks that the figure was measured with.
_DRIFT = 0.03
_DRIFT_EVERY_S = 15.0
# Three windows in a row, three standard deviations off to the same side, are no noise (one in 10^9 by chance) but another program.
_SURPRISING = 3.0
_SURPRISES = 3
# What the variance grows by then: five times the standard deviation.
_BOOST = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """
    What one request takes of a station: a random walk, seen through windows.

    A window shows the busy time per second z = load * x. That, and not the quotient x, is what is filtered: a window with few requests has
    a large variance in x and counts for little by itself.
    """

    value: float
    variance: float
    windows: int = 1
    surprises: int = 0
    """How many of the last windows in a row were beyond belief; negative where they showed less than was believed."""

    @classmethod
    def begun(cls, *, busy: float, load: float, window_s: float) -> "Filter":
        """Return what the first window shows: nothing is known but it. *load* is larger than 0."""
        value = busy / load
        return cls(value=value, variance=_noise(busy, value, load, window_s) / load**2)

    def seeing(self, *, busy: float, load: float, window_s: float, elapsed_s: float, idle: float = 0.0) -> "Filter":
        """
        Return the filter after one more window, the last of which ended *elapsed_s* ago. *load* is larger than 0.

        Of *busy* the part *idle* is known to be there without any request; the noise is a share of all of it, so that a night in which
        next to nothing else is seen teaches next to nothing.

        P += Q * dt / 15; s = load * P * load + R; K = P * load / s; x += K * (z - load * x); P *= 1 - K * load.

        The noise R is a share of what was believed: of what came, windows that show little would count for more (measured: 1.4 % too low).
        A window beyond belief is put aside, being an outlier; the third in a row is not one, and is believed at once.
        """
        variance = self.variance + (_DRIFT * self.value) ** 2 * elapsed_s / _DRIFT_EVERY_S
        believed = idle + load * self.value
        surprise = busy - believed
        noise = _noise(believed, self.value, load, window_s)
        side = 1 if surprise > 0 else -1
        beyond_belief = abs(surprise) > _SURPRISING * math.sqrt(load * variance * load + noise)
        surprises = max(0, self.surprises * side) + 1 if beyond_belief else 0
        if 0 < surprises < _SURPRISES:
            return replace(self, variance=variance, surprises=surprises * side)
        if surprises:
            # At least by what it was off: what was seen of the program before says nothing of the one that runs now.
            variance = max(_BOOST * variance, (surprise / load) ** 2)
            noise = _noise(busy, max(0.0, busy - idle) / load, load, window_s)
        spread = load * variance * load + noise
        if spread == 0:  # nothing was there, and nothing is
            return replace(self, windows=self.windows + 1)
        return Filter(
            value=max(0.0, self.value + variance * load / spread * surprise),
            variance=variance * noise / spread,  # the same as (1 - K * load) * P, and never below 0 by rounding
            windows=1 if surprises else self.windows + 1,
        )

    @property
    def estimate(self) -> Estimate:
        """The demand and how well it is known."""
        return Estimate(value=self.value, standard_error=math.sqrt(self.variance), windows=self.windows)


def _noise(busy: float, value: float, load: float, window_s: float) -> float:
    """
    Return the variance of a window's busy time per second: 10 % of it, and the luck of which requests came.

    A sum of load * window Poisson arrivals, each of which takes x on average, has the variance x^2 * load / window per second.
    """
    return (_NOISE * busy) ** 2 + value**2 * load / window_s
