"""All that is known of one API, as one value: what a sweep leaves to the next, and what a restart reads back from Prometheus."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from apituner.core.configuration import Configuration
from apituner.core.estimation.arrivals import Arrivals
from apituner.core.estimation.demands import Demands
from apituner.core.estimation.queries import QueryTimes
from apituner.core.policy import Policy
from apituner.core.snapshot import Signal, Snapshot
from apituner.core.trust import gap
from apituner.core.workload import Workload

# A pod's first requests import modules, fill caches and open connections, at ten times the CPU of later ones.
_WARM_AFTER_S = 60.0
# At least a fifth of a window must be new: sweeps every 15 s bring a quarter of 60 s; of faster ones, each would count the same again.
_NEW_RATIO = 0.2
# A window that comes so much too late was not overtaken by another: the clock was set back.
_CLOCK_SET_BACK_S = 600.0
# No counter of an API comes to that in a second; one that does was broken, and its square must not break the sums.
_BELIEVABLE = 1e15
# No statement is faster than the clock that times it.
_STATEMENT_LEAST_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """
    Demands, statements' times and arrivals of one API, from every window that could be trusted.

    A restart loses nothing: folding ``seeing`` over the same windows, the oldest first, gives the same value.
    """

    demands: Demands = field(default_factory=Demands)
    queries: QueryTimes = field(default_factory=QueryTimes)
    arrivals: Arrivals = field(default_factory=Arrivals)
    others_running: float = 0.0
    """Statements that others had the database run in the last window; 0 where the database does not tell."""
    at: datetime | None = None
    """When the last window ended."""
    demands_at: datetime | None = None
    """When the last of those ended that taught what a request takes."""
    template_hash: str | None = None
    pods: int = 0
    warm_at: float = 0.0
    """From when on every pod has been there for long enough, as seconds since the epoch."""

    def seeing(self, seen: Snapshot, here: Configuration, workload: Workload, policy: Policy, *, ours: bool = False) -> "Estimates":
        """
        Return them after one more window; the same value where it teaches nothing.

        Nothing is learnt from a window with a gap, nor from one that is not later than the last, or hardly so. *ours* says that the newest
        pod template is our own work: settings change what a configuration gives, not what a request takes. Any other new template is
        another program, of which nothing is known yet; of the database and of who comes, all still is.
        """
        known = self._of_template(workload.template_hash, ours=ours)
        if gap(seen, workload, policy) is not None or max(seen.readings.values()) > _BELIEVABLE:
            return known
        if known.at is not None and (known.at - seen.taken_at).total_seconds() >= _CLOCK_SET_BACK_S:
            known = replace(known, at=None, demands_at=None, arrivals=Arrivals(), queries=QueryTimes(), warm_at=0.0)
        if known.at is not None and (seen.taken_at - known.at).total_seconds() < _NEW_RATIO * seen.window_s:
            return known
        at_s = seen.taken_at.timestamp()
        young = known.pods and seen.pods_reporting > known.pods
        known = replace(
            known,
            at=seen.taken_at,
            pods=seen.pods_reporting,
            warm_at=at_s + _WARM_AFTER_S if young else known.warm_at,
            arrivals=known.arrivals.seeing(
                at_s=at_s,
                completed_rps=seen[Signal.REQUESTS_RPS],
                in_flight=seen.get(Signal.IN_FLIGHT),
                missed=seen[Signal.OVER_OBJECTIVE_RATIO] > policy.objective.slow_ratio,
                window_s=seen.window_s,
            ),
        )
        known = _querying(known, seen, at_s)
        if not _warm(seen, workload, known.warm_at):
            return known
        elapsed_s = (seen.taken_at - known.demands_at).total_seconds() if known.demands_at else 0.0
        return replace(known, demands=known.demands.seeing(seen, here, policy, elapsed_s), demands_at=seen.taken_at)

    def _of_template(self, template_hash: str | None, *, ours: bool) -> "Estimates":
        if template_hash is None or template_hash == self.template_hash:
            return self
        if self.template_hash is None or ours:
            return replace(self, template_hash=template_hash)
        return replace(self, template_hash=template_hash, demands=Demands(), demands_at=None)


def _warm(seen: Snapshot, workload: Workload, warm_at: float) -> bool:
    """Whether the whole window saw only pods of the newest template, each a minute old at least."""
    if workload.unsettled_because is not None or workload.rolled_out_at is None:
        return False
    began_s = seen.taken_at.timestamp() - seen.window_s
    return began_s >= max(warm_at, workload.rolled_out_at.timestamp() + _WARM_AFTER_S)


def _querying(known: Estimates, seen: Snapshot, at_s: float) -> Estimates:
    """Return *known* after the window's statements, if there were any: the database does not care which of our pods are warm."""
    statements, query_s = seen.get(Signal.QUERIES_RPS), seen.get(Signal.QUERY_MEAN_S)
    if statements is None or query_s is None or statements * seen.window_s < 1:
        return known
    own, active = statements * query_s, seen.get(Signal.DB_ACTIVE)  # Little's law
    running = own if active is None else max(own, active)
    times = known.queries.seeing(running=running, query_s=max(_STATEMENT_LEAST_S, query_s), of_all=active is not None, at_s=at_s)
    return replace(known, queries=times, others_running=running - own)
