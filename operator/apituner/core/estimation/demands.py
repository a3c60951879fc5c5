"""All that one request takes, each figure tracked by a filter of its own."""

from dataclasses import dataclass, field, replace

from apituner.core.configuration import Configuration, Knob
from apituner.core.estimation.idle import IdleCost
from apituner.core.estimation.kalman import Filter
from apituner.core.estimation.peak import Peak
from apituner.core.laws import residence_s
from apituner.core.policy import Policy
from apituner.core.snapshot import Signal, Snapshot

# Beyond that a window's utilization is as much noise as load, and 1 / (1 - U) with it.
_UTILIZATION_MOST = 0.95
# From here on a queue is out of balance (`apituner.core.calibration` has the same limit), and what is unexplained is most likely it.
_SATURATED = 0.9
# The share of periods beyond which the CPU limit stops pods often enough to show in the mean latency; below it is called harmless.
_THROTTLED_MOST = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """
    What one request takes of each station. None: never seen.

    A signal that is absent teaches nothing: what was known stays, less and less sure.
    """

    cpu: Filter | None = None
    """CPU time of a worker process, without what the process costs when idle."""
    loop: Filter | None = None
    """CPU time of the event loop's thread, likewise."""
    blocked: Filter | None = None
    """Time for which the loop stood still without using CPU."""
    acquisitions: Filter | None = None
    """Connections asked for, those who gave up included."""
    hold: Filter | None = None
    """From taking a connection to giving it back; per acquisition."""
    queries: Filter | None = None
    """Statements."""
    query: Filter | None = None
    """One statement."""
    external: Filter | None = None
    """Calls to other services, all together."""
    elsewhere: Filter | None = None
    """All time inside the API but the pool's queue and the loop: queries and calls among it."""
    throttled: Filter | None = None
    """The share of periods in which the CPU limit stopped a pod; per period."""
    cpu_idle: IdleCost = field(default_factory=IdleCost)
    loop_idle: IdleCost = field(default_factory=IdleCost)
    worker_bytes: Peak | None = None
    """Resident memory of the largest worker."""
    base_bytes: Peak | None = None
    """Resident memory of the largest pod beyond its workers: the server's parent, an exporter."""

    def seeing(self, seen: Snapshot, here: Configuration, policy: Policy, elapsed_s: float = 0.0) -> "Demands":
        """Return them after one more window without a gap, the last of which ended *elapsed_s* ago."""
        window = _Window(seen=seen, elapsed_s=elapsed_s)
        requests = seen[Signal.REQUESTS_RPS]
        # Who is turned away in an overload costs next to nothing: counted as served, it would make each request as cheap as many fail.
        served = requests * (1 - min(1.0, seen[Signal.ERRORS_RATIO]))
        workers = seen[Signal.WORKERS_ALIVE]
        cpu, loop = seen[Signal.CPU_CORES], seen[Signal.LOOP_CPU_CORES]
        cpu_idle = self.cpu_idle.seeing(load_rps=served / workers, cores=cpu / workers)
        loop_idle = self.loop_idle.seeing(load_rps=served / workers, cores=loop / workers)
        # A loop that runs does not stand still: the two never fill more than all of its time, whatever counts as blocked.
        blocked = min((seen.get(Signal.LOOP_BLOCKED_RATIO) or 0.0) * workers, max(0.0, workers - loop))
        uses = seen.get(Signal.POOL_ACQUISITIONS_RPS)
        wanted = None if uses is None else uses + (seen.get(Signal.POOL_TIMEOUTS_RPS) or 0.0)
        statements = seen.get(Signal.QUERIES_RPS)
        calls = seen.get(Signal.EXTERNAL_RPS)
        return replace(
            self,
            cpu=window.seen_by(self.cpu, cpu, served, idle=cpu_idle.cores * workers),
            loop=window.seen_by(self.loop, loop, served, idle=loop_idle.cores * workers),
            blocked=window.seen_by(self.blocked, blocked, requests),
            acquisitions=window.seen_by(self.acquisitions, wanted, requests),
            hold=window.seen_by(self.hold, _product(uses, seen.get(Signal.POOL_HOLD_MEAN_S)), uses),
            queries=window.seen_by(self.queries, statements, requests),
            query=window.seen_by(self.query, _product(statements, seen.get(Signal.QUERY_MEAN_S)), statements),
            external=window.seen_by(self.external, _calling(calls, seen.get(Signal.EXTERNAL_MEAN_S)), requests),
            elsewhere=window.seen_by(self.elsewhere, _elsewhere(seen, here, policy, blocked), requests),
            throttled=window.seen_by(self.throttled, seen.get(Signal.THROTTLED_RATIO), 1.0),
            cpu_idle=cpu_idle,
            loop_idle=loop_idle,
            worker_bytes=_peak(self.worker_bytes, seen.get(Signal.WORKER_RSS_MAX_BYTES), elapsed_s),
            base_bytes=_peak(self.base_bytes, _base_bytes(seen, here), elapsed_s),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """One window, as a filter sees it."""

    seen: Snapshot
    elapsed_s: float

    def seen_by(self, known: Filter | None, busy: float | None, load: float | None, *, idle: float = 0.0) -> Filter | None:
        """Return *known* after this window; unchanged where it tells nothing: a rate of less than one a window is the edge of another's."""
        if busy is None or load is None or load * self.seen.window_s < 1:
            return known
        if known is None:
            return Filter.begun(busy=busy, load=load, window_s=self.seen.window_s)
        return known.seeing(busy=busy, load=load, window_s=self.seen.window_s, elapsed_s=self.elapsed_s, idle=idle)


def _elsewhere(seen: Snapshot, here: Configuration, policy: Policy, blocked: float) -> float:
    """
    Return how many requests are inside on the mean but neither in the pool's queue nor at the loop: Little's law, so never fewer than none.

    The loop is a processor-sharing station, for which CPU time and standing still are the same. Where it is saturated, or the CPU limit
    stops it, all that is not measured otherwise is the queue for it: taken for time elsewhere, it would stay whatever is added, and so
    nothing would be.
    """
    requests = seen[Signal.REQUESTS_RPS]
    busy = seen[Signal.LOOP_CPU_CORES] + blocked
    utilization = busy / (max(seen.pods_reporting, 1) * here.workers)
    inside = requests * (seen[Signal.LATENCY_MEAN_S] - residence_s(busy / requests, min(_UTILIZATION_MOST, utilization)))
    rest = max(0.0, inside - pool_waiting(seen, policy))
    queueing = utilization > _SATURATED or (seen.get(Signal.THROTTLED_RATIO) or 0.0) > _THROTTLED_MOST
    return min(rest, _measured_elsewhere(seen)) if queueing else rest


def _measured_elsewhere(seen: Snapshot) -> float:
    """Return how many requests are in statements and in calls on the mean; where no statements are told, how many hold a connection."""
    querying = _product(seen.get(Signal.QUERIES_RPS), seen.get(Signal.QUERY_MEAN_S))
    holding = _product(seen.get(Signal.POOL_ACQUISITIONS_RPS), seen.get(Signal.POOL_HOLD_MEAN_S))
    calling = _calling(seen.get(Signal.EXTERNAL_RPS), seen.get(Signal.EXTERNAL_MEAN_S))
    return (querying if querying is not None else holding or 0.0) + (calling or 0.0)


def pool_waiting(seen: Snapshot, policy: Policy) -> float:
    """
    Return how many stand in the pool's queue on the mean, those who gave up included.

    Little's law: who gave up waiting wanted a connection too, and its wait is in the mean. Where no knob names the pool, or it does not
    tell, its queue is part of the time elsewhere.
    """
    uses, wait_s = seen.get(Signal.POOL_ACQUISITIONS_RPS), seen.get(Signal.POOL_WAIT_MEAN_S)
    if Knob.POOL not in policy.knobs or uses is None or wait_s is None:
        return 0.0
    return (uses + (seen.get(Signal.POOL_TIMEOUTS_RPS) or 0.0)) * wait_s


def _product(rate: float | None, mean: float | None) -> float | None:
    return None if rate is None or mean is None else rate * mean


def _calling(calls: float | None, mean_s: float | None) -> float | None:
    """No calls take no time, although nobody can tell the mean of none."""
    return 0.0 if calls == 0 else _product(calls, mean_s)


def _peak(known: Peak | None, value: float | None, elapsed_s: float) -> Peak | None:
    if value is None:
        return known
    return known.seeing(value, elapsed_s) if known else Peak(value=value)


def _base_bytes(seen: Snapshot, here: Configuration) -> float | None:
    """RSS of a pod = base + workers * worker; the largest pod less the largest worker times all of them: so a worker is never too small."""
    pod, worker = seen.get(Signal.POD_RSS_MAX_BYTES), seen.get(Signal.WORKER_RSS_MAX_BYTES)
    return None if pod is None or worker is None else max(0.0, pod - here.workers * worker)
