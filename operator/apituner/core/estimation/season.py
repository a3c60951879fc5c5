"""
A day's curve of arrivals: damped additive Holt-Winters, initialised from two whole days.

l' = a (y - s) + (1 - a) (l + phi b); b' = b* (l' - l) + (1 - b*) phi b; s' = g (y - l') + (1 - g) s;
f(h) = l' + (phi + ... + phi^h) b' + s.
Sources: Winters 1960; Gardner, McKenzie 1985.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from apituner.core.estimation import floats

# How much the latest counts: the level follows within five steps, its trend within fifty, and the shape of a day within ten days. Usual
# values, fitted to no trace.
_LEVEL = 0.2
_TREND = 0.02
_SEASON = 0.1
# A trend is believed less the farther it is drawn out: in a long lead it adds at most 9 of its steps.
_DAMPING = 0.9
# A forecast that erred by more on average misleads more than it helps.
_SMAPE_MOST = 0.25
# 1.28 standard deviations: nine of ten times no more comes than that.
UPPER = 1.28


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """The state after the step *last*, and how well one step ahead was foretold lately."""

    last: int
    level: float
    trend: float
    shape: bytes
    """By place in the period: what is added to the level."""
    smape: float
    """Symmetric mean absolute percentage error of a step, over about a period: 2 |y - f| / (|y| + |f|), as a ratio."""
    variance: float
    """Of a step's error."""

    @classmethod
    def begun(cls, series: Sequence[float], *, last: int, period: int) -> "Season":
        """
        Return the state after a series of exactly two periods, the last value of which is that of step *last*.

        Its error is that of a backtest: the second period as it would have been foretold by the first alone.
        """
        first, second = series[:period], series[period:]
        tested = _shaped([first], last=last - period, period=period)
        errors, squares = 0.0, 0.0
        for value in second:
            foretold = tested.expected(tested.last + 1)
            errors += _error(value, foretold)
            squares += (value - foretold) ** 2
            tested = tested.stepped(value)
        state = _shaped([first, second], last=last - 2 * period, period=period)
        for value in series:
            state = state.stepped(value)
        return replace(state, smape=errors / period, variance=squares / period)

    @property
    def proved(self) -> bool:
        """Whether it may be used: it errs little."""
        return self.smape < _SMAPE_MOST

    def seeing(self, value: float) -> "Season":
        """Return the state one step later, in which *value* came."""
        foretold = self.expected(self.last + 1)
        share = 1 / self._period
        return replace(
            self.stepped(value),
            smape=self.smape + share * (_error(value, foretold) - self.smape),
            variance=self.variance + share * ((value - foretold) ** 2 - self.variance),
        )

    def stepped(self, value: float) -> "Season":
        """Return the state one step later; its errors stay as they are."""
        place = (self.last + 1) % self._period
        season = floats.value(self.shape, place)
        drawn = self.level + _DAMPING * self.trend
        level = _LEVEL * (value - season) + (1 - _LEVEL) * drawn
        trend = _TREND * (level - self.level) + (1 - _TREND) * _DAMPING * self.trend
        shape = floats.with_value(self.shape, place, _SEASON * (value - level) + (1 - _SEASON) * season)
        return replace(self, last=self.last + 1, level=level, trend=trend, shape=shape)

    def passed(self, last: int) -> "Season":
        """Return the state at the later step *last*, nothing of what came meanwhile being known: as it foretold."""
        steps = last - self.last
        return replace(self, last=last, level=self.level + self.trend * _drawn_out(steps), trend=self.trend * _DAMPING**steps)

    def expected(self, step: int) -> float:
        """Return what a later *step* is to bring: level, what the damped trend adds, and the place in the period."""
        ahead = step - self.last
        return max(0.0, self.level + self.trend * _drawn_out(ahead) + floats.value(self.shape, step % self._period))

    def upper(self, step: int) -> float:
        """
        Return what a later *step* brings at most, nine of ten times.

        The error grows with the distance as the level's own does: variance * (1 + sum of (a + a b phi_j)^2), Hyndman and others 2008.
        """
        variance = self.variance
        for j in range(1, step - self.last):
            variance += self.variance * (_LEVEL + _LEVEL * _TREND * _drawn_out(j)) ** 2
        return self.expected(step) + UPPER * math.sqrt(variance)

    @property
    def _period(self) -> int:
        return floats.count(self.shape)


def _shaped(periods: Sequence[Sequence[float]], *, last: int, period: int) -> Season:
    """Return the state before the first of *periods*: its mean, the mean's change by period, the mean deviation by place."""
    means = [sum(one) / period for one in periods]
    shape = [0.0] * period
    for i in range(period):
        deviation = sum(one[i] - mean for one, mean in zip(periods, means, strict=True)) / len(periods)
        shape[(last + 1 + i) % period] = deviation
    return Season(
        last=last,
        level=means[0],
        trend=(means[-1] - means[0]) / period,
        shape=floats.packed(shape),
        smape=0.0,
        variance=0.0,
    )


def _drawn_out(steps: int) -> float:
    """Return phi + phi^2 + ... for so many *steps*."""
    return _DAMPING * (1 - _DAMPING**steps) / (1 - _DAMPING)


def _error(value: float, foretold: float) -> float:
    return 2 * abs(value - foretold) / (value + foretold) if value + foretold else 0.0
