"""A statement's time as a function of how many run at once: the database's knee, as far as it was seen and no farther."""

import math
from dataclasses import dataclass, replace

from apituner.core.estimation.buckets import Bucket, Buckets, kept, number
from apituner.core.estimation.squares import least_squares
from apituner.core.laws import Usl

# A knee counts only where it was nearly reached (a sweep that stopped at half of it gave 11.8, 13.2, infinity and infinity for one at 22),
# by enough windows, and over a range in which a curve can be told from a line.
_REACHED = 0.8
_WINDOWS_LEAST = 12
_RANGE_LEAST = 1.8
# Twice the noise of a window: points that lie farther from the curve were not made by one database.
_MISFIT_MOST = 0.20
# Half as long again is five times the noise of a window; once it is put aside, three times in a row it is another tenant, a lost index, a
# larger machine.
_ANOTHER = 1.5
_ANOTHER_AFTER = 3
# Throughput still grows with statements at once where the last of them brought at least a tenth of its share.
_STILL_GROWS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTimes:
    """Every window with statements, by how many ran at once."""

    buckets: Buckets = ()
    of_all: bool = False
    """Whether that counts all that the database runs, and not only what this API asks of it."""
    odd: int = 0
    """How many windows in a row were as if of another database."""

    def seeing(self, *, running: float, query_s: float, of_all: bool, at_s: float) -> "QueryTimes":
        """
        Return it after one more window; *query_s* is larger than 0.

        Counts of all that runs and of this API alone are never mixed: the former make a new start, and while they are missing nothing is
        learnt, until what is known has aged away.
        """
        if of_all and not self.of_all:
            return QueryTimes(of_all=True).seeing(running=running, query_s=query_s, of_all=True, at_s=at_s)
        if self.of_all and not of_all:
            return replace(self, odd=0) if any(bucket.weight_at(at_s) >= 1 for _, bucket in self.buckets) else QueryTimes()
        place = number(running)
        fresh = Bucket(running=max(1.0, running), query_s=query_s, weight=1.0, at_s=at_s)
        before = dict(self.buckets).get(place)
        if before is None:
            return replace(self, buckets=kept(self.buckets, place, fresh))
        times = query_s / before.query_s
        if max(times, 1 / times) <= _ANOTHER:
            return replace(self, buckets=kept(self.buckets, place, before.seeing(fresh.running, query_s, at_s)), odd=0)
        if self.odd + 1 < _ANOTHER_AFTER:
            return replace(self, odd=self.odd + 1)
        # Where the bucket stands for fewer windows than now speak against it, it was the bucket that was odd.
        others = self.buckets if before.weight_at(at_s) < _ANOTHER_AFTER else ()
        return replace(self, buckets=kept(others, place, fresh), odd=0)

    @property
    def floor_s(self) -> float | None:
        """The least time of a statement that was seen; a bucket's mean, as the least of single windows is luck."""
        return min((bucket.query_s for _, bucket in self.buckets), default=None)

    @property
    def worked(self) -> float | None:
        """The largest number at once to which throughput was still seen to grow: what is known to work."""
        best: Bucket | None = None
        for _, bucket in sorted(self.buckets):
            if best is None or bucket.throughput_rps >= best.throughput_rps * (1 + _STILL_GROWS * (bucket.running / best.running - 1)):
                best = bucket
        return best.running if best else None

    @property
    def curve(self) -> Usl | None:
        """
        The curve through all of it; None while its knee was not seen.

        R(n) = c0 + c1 n + c2 n^2 with no coefficient negative, fitted by relative error: rows [1, n, n^2] / R come near to 1.
        """
        if not self.buckets:
            return None
        now_s = max(bucket.at_s for _, bucket in self.buckets)
        seen = [(bucket.weight_at(now_s), bucket.running, bucket.query_s) for _, bucket in self.buckets]
        most, least = max(running for _, running, _ in seen), min(running for _, running, _ in seen)
        if sum(bucket.weight for _, bucket in self.buckets) < _WINDOWS_LEAST or most < _RANGE_LEAST * least:
            return None
        # In units of the largest number, so that the squares do not drown the rest.
        rows = [(weight, [1 / time, running / most / time, (running / most) ** 2 / time]) for weight, running, time in seen]
        flat, linear, square = least_squares(rows)
        misfit = sum(weight * (flat * row[0] + linear * row[1] + square * row[2] - 1) ** 2 for weight, row in rows)
        if square == 0 or misfit > _MISFIT_MOST**2 * sum(weight for weight, _ in rows) or most < _REACHED * most * math.sqrt(flat / square):
            return None
        base_s = flat + linear / most + square / most**2
        return Usl(base_s=base_s, contention=(linear / most + square / most**2) / base_s, coherency=square / most**2 / base_s)

    @property
    def knee(self) -> float | None:
        """The number at once beyond which throughput falls; None where that was not seen."""
        return curve.knee if (curve := self.curve) else None
