"""What a classic histogram knows: percentiles and shares, by straight lines inside its buckets. Pure."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Observations per second at or below each bound; the last of *cumulative* counts all, so there is one more of them than bounds."""

    bounds: tuple[float, ...]
    cumulative: tuple[float, ...]

    @property
    def total(self) -> float:
        """All observations per second."""
        return self.cumulative[-1]

    def quantile(self, quantile: float) -> float:
        """
        Return the value that a share of *quantile* of all observations does not exceed; there must be observations.

        The same number as PromQL's ``histogram_quantile``. Past the last bound nothing is known, so a quantile there is the last bound,
        which reads as "at least".
        """
        rank = quantile * self.total
        index = bisect_left(self.cumulative, rank)
        if index >= len(self.bounds):
            return self.bounds[-1]
        lower, below = self._floor(index)
        inside = self.cumulative[index] - below
        return self.bounds[index] if inside <= 0 else lower + (self.bounds[index] - lower) * (rank - below) / inside

    def share_over(self, threshold: float) -> float:
        """
        Return the share of all observations above *threshold*; there must be observations.

        Past the last bound all that lies beyond it counts as over: nobody knows by how much.
        """
        index = bisect_left(self.bounds, threshold)
        if index >= len(self.bounds):
            under = self.cumulative[-2]
        else:
            lower, below = self._floor(index)
            width = self.bounds[index] - lower
            inside = self.cumulative[index] - below
            under = self.cumulative[index] if width <= 0 else below + inside * max(0.0, threshold - lower) / width
        return min(1.0, max(0.0, 1 - under / self.total))

    def _floor(self, index: int) -> tuple[float, float]:
        """Where bucket *index* begins, and how many observations lie below it. Durations begin at zero."""
        return (self.bounds[index - 1], self.cumulative[index - 1]) if index else (0.0, 0.0)


def histogram(buckets: Mapping[float, float]) -> Histogram | None:
    """
    Order the rates by upper bound; None where they are no histogram: no +Inf, no finite bound, or no numbers.

    Scrapes of two pods with different buckets, and rates rounded apart, can make a wider bucket count less than a narrower one; it then
    counts as much, as in PromQL.
    """
    bounds = sorted(buckets)
    rates = [buckets[bound] for bound in bounds]
    if len(bounds) < 2 or bounds[-1] != math.inf or bounds[0] <= 0:  # noqa: PLR2004 - one finite bound and +Inf
        return None
    if not all(math.isfinite(rate) and rate >= 0 for rate in rates):
        return None
    return Histogram(bounds=tuple(bounds[:-1]), cumulative=tuple(accumulate(rates, max)))
