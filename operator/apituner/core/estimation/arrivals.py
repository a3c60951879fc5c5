"""How many requests come, which is more than are completed in an overload, and how many will."""

from dataclasses import dataclass, field

from apituner.core.estimation.daily import DailyCurve
from apituner.core.estimation.slope import Sample, expected_rps, growth_rps, kept

# After a break the last minute says nothing of this one; long enough for a scrape or two to be missed.
_FORGOTTEN_AFTER_S = 300.0
# A tenth is the noise of a window: less is no change.
_NOISE = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What came at least since the objective began to be missed, and how many requests were inside while so many were still served."""

    arrivals_rps: float
    in_flight: float | None

    def holds(self, in_flight: float | None) -> bool:
        """Whether the number inside has not fallen: as long as it has not, no less comes."""
        return in_flight is None or self.in_flight is None or in_flight >= (1 - _NOISE) * self.in_flight


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Requests per second: the last minute, the bound of an overload, and the day's curve."""

    recent: tuple[Sample, ...] = ()
    bound: Bound | None = None
    window_s: float = 0.0
    daily: DailyCurve = field(default_factory=DailyCurve)

    def seeing(self, *, at_s: float, completed_rps: float, in_flight: float | None, missed: bool, window_s: float) -> "Arrivals":
        """
        Return it after one more window, later than the last.

        Arrivals are completions and the growth of the number inside. That misses those who wait outside (in the socket's backlog, before a
        loop that does not turn) or are sent away. So while the objective is *missed* and no fewer are inside, arrivals never fall below
        what they were: that fewer requests are completed says then that the API serves less, not that less comes.
        """
        recent = self.recent if self.recent and at_s - self.recent[-1].at_s <= _FORGOTTEN_AFTER_S else ()
        arrivals_rps = completed_rps + growth_rps(recent, at_s, in_flight)
        bound = None
        if missed:
            bound = self._bounded(recent, arrivals_rps, in_flight)
            arrivals_rps = bound.arrivals_rps
        latest = Sample(at_s=at_s, arrivals_rps=arrivals_rps, in_flight=in_flight)
        return Arrivals(recent=kept(recent, latest), bound=bound, window_s=window_s, daily=self.daily.seeing(at_s, arrivals_rps))

    @property
    def present_rps(self) -> float | None:
        """What came in the last window; None before the first."""
        return self.recent[-1].arrivals_rps if self.recent else None

    def expected_rps(self, at_s: float, lead_s: float) -> float | None:
        """
        Return what comes in *lead_s*, seen from *at_s*: for growing only, so never less than now. None where nothing was seen.

        The largest of now, the last minute's slope, and the upper band of the day's curve.
        """
        if self.present_rps is None:
            return None
        if at_s - self.recent[-1].at_s > _FORGOTTEN_AFTER_S:
            return self.present_rps
        # A window's mean is what came in its middle.
        soon_rps = expected_rps(self.recent, lead_s + self.window_s / 2)
        return max(soon_rps, self.daily.expected_rps(at_s + lead_s) or 0.0)

    def _bounded(self, recent: tuple[Sample, ...], arrivals_rps: float, in_flight: float | None) -> Bound:
        """Return the bound after a window that missed the objective and by itself shows *arrivals_rps*."""
        before = self.bound if recent else None
        if before is None and recent:
            before = Bound(arrivals_rps=recent[-1].arrivals_rps, in_flight=recent[-1].in_flight)
        if before is None or not before.holds(in_flight) or arrivals_rps > before.arrivals_rps:
            return Bound(arrivals_rps=arrivals_rps, in_flight=in_flight)
        still_serves = arrivals_rps >= (1 - _NOISE) * before.arrivals_rps
        inside = max(before.in_flight or 0.0, in_flight) if still_serves and in_flight is not None else before.in_flight
        return Bound(arrivals_rps=before.arrivals_rps, in_flight=inside)
