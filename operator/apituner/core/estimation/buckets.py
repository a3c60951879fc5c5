"""How long a statement took while about so many ran at once: a few buckets for a day of windows."""

import math
from dataclasses import dataclass
from datetime import timedelta

# Three to a doubling: as fine as a knee can be told with noise of 10 %.
_PER_DOUBLING = 3
# Six doublings, from night to noon; of a wider range, the one seen longest ago gives way.
BUCKETS_MOST = 18
# Windows that a bucket averages over: enough to bring noise of 10 % to 3 %, few enough to follow a database that changes.
_WINDOWS_MOST = 12.0
# As VPA's histograms: what was seen yesterday at this hour counts half.
_HALVES_S = timedelta(days=1).total_seconds()
# What counts for less than a tenth of a window is forgotten: a lone window after three days.
_WEIGHT_LEAST = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Windows in which about as many statements ran at once."""

    running: float
    query_s: float
    weight: float
    """How many windows it stands for, when the last was seen."""
    at_s: float

    @property
    def throughput_rps(self) -> float:
        """Statements per second that so many at once complete: Little's law."""
        return self.running / self.query_s

    def weight_at(self, at_s: float) -> float:
        """Return how many windows it still stands for."""
        return self.weight * math.exp2(-max(0.0, at_s - self.at_s) / _HALVES_S)

    def seeing(self, running: float, query_s: float, at_s: float) -> "Bucket":
        """Return the bucket after one more window."""
        weight = min(_WINDOWS_MOST, self.weight_at(at_s) + 1)
        return Bucket(
            running=self.running + (running - self.running) / weight,
            query_s=self.query_s + (query_s - self.query_s) / weight,
            weight=weight,
            at_s=at_s,
        )


Buckets = tuple[tuple[int, Bucket], ...]
"""By number, the one seen last at the end."""


def number(running: float) -> int:
    """Return the bucket for so many statements at once; one alone and less are the same."""
    return math.floor(_PER_DOUBLING * math.log2(max(1.0, running)))


def kept(buckets: Buckets, changed: int, bucket: Bucket) -> Buckets:
    """Return *buckets* with *bucket* as its number *changed*, without what is too old to count or one too many."""
    others = tuple(one for one in buckets if one[0] != changed and one[1].weight_at(bucket.at_s) >= _WEIGHT_LEAST)
    return (*others, (changed, bucket))[-BUCKETS_MOST:]
