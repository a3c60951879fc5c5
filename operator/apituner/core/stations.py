"""Where a request is served and may queue, under any configuration: the arithmetic of the forecast."""

import math
from dataclasses import dataclass, replace

from apituner.core.demand import ServiceDemand
from apituner.core.laws import residence_s, waiting_behind_mean_s, waiting_mean_s, waiting_probability, waiting_quantile_s
from apituner.core.problem import Problem

# A request may hold its connection for longer than its statements take, so more connections than the database can serve at once are of use;
# but how much longer is an average, and at times all of them ask at once.
_HOLD_RATIO_MOST = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stations:
    """All of a problem that does not depend on the knobs, worked out once; each method answers for a configuration."""

    arrivals_rps: float
    cpu_s: float
    loop_s: float
    blocked_s: float
    burst_s: float
    acquisitions: float
    hold_s: float
    """As it will be with no more statements at once than the database serves well: a pool must not chase its own queue."""
    elsewhere_s: float
    """All that no knob changes, statements at the concurrency that the load leads to; infinite where the database cannot keep up."""
    cores_per_pod: float | None
    engines: int
    tail: float
    """The objective's percentile over the mean, for all but the pool's queue."""
    share: float
    """The objective's percentile, as a share."""

    def cores(self, workers: int) -> float:
        """Return how many cores the workers of a pod can use."""
        return workers if self.cores_per_pod is None else min(workers, self.cores_per_pod)

    def cpu_utilization(self, replicas: int, workers: int) -> float:
        """Return the busy share of the CPU of all pods together."""
        return self.arrivals_rps * self.cpu_s / (replicas * self.cores(workers)) if replicas else math.inf

    def loop_utilization(self, replicas: int, workers: int) -> float:
        """
        Return the busy share of an event loop.

        Every worker is a queue of its own: neither the kernel's accept nor a service's balancing sends a request to the idle one. Of a pod
        with more workers than cores each gets its share of them, limit / W, and so needs longer for the same work; what blocks needs none.
        """
        if not replicas:
            return math.inf
        return self.arrivals_rps / replicas * (self.loop_s / self.cores(workers) + self.blocked_s / workers)

    def offered(self, replicas: int, workers: int) -> float:
        """Return the load of one pool, in erlangs: how many connections of it are out on average."""
        if self.acquisitions <= 0:
            return 0.0
        return self.arrivals_rps * self.acquisitions * self.hold_s / (replicas * workers * self.engines) if replicas else math.inf

    def besides_the_pool_s(self, replicas: int, workers: int) -> float:
        """
        Return the mean time of a request without its waits for a connection.

        Processor sharing counts a blocked loop as if each request blocked it, exponentially, for its part: E[b^2] = 2 * blocked_s^2. Rare
        long blocks make more of a queue than that, and the rest of E[b^2] = blocked_s * burst_s is added by Pollaczek and Khinchine.
        """
        busy = self.loop_utilization(replicas, workers)
        inside_s = residence_s(self.loop_s + self.blocked_s, busy) + self.elsewhere_s
        square_s2 = self.blocked_s * (self.burst_s - 2 * self.blocked_s)
        if square_s2 <= 0 or not replicas:
            return inside_s
        return inside_s + waiting_behind_mean_s(self.arrivals_rps / (replicas * workers), square_s2, busy)

    def waiting_ratio(self, replicas: int, workers: int, pool: int) -> float:
        """Return the share of acquisitions that find no free connection; 0 for an API without a pool."""
        return waiting_probability(self.offered(replicas, workers), pool) if self.acquisitions > 0 else 0.0

    def wait_s(self, replicas: int, workers: int, pool: int) -> float:
        """Return the mean wait for a connection."""
        return waiting_mean_s(self.offered(replicas, workers), pool, self.hold_s) if self.acquisitions > 0 else 0.0

    def mean_s(self, replicas: int, workers: int, pool: int) -> float:
        """Return the mean latency."""
        return self.besides_the_pool_s(replicas, workers) + self.acquisitions * self.wait_s(replicas, workers, pool)

    def latency_s(self, replicas: int, workers: int, pool: int) -> float:
        """Return the latency at the objective's percentile; infinite where a station is saturated."""
        if self.acquisitions <= 0:
            return self.tail * self.besides_the_pool_s(replicas, workers)
        wait_s = waiting_quantile_s(self.offered(replicas, workers), pool, self.hold_s, self.share)
        if wait_s == math.inf:
            return wait_s
        return self.tail * self.besides_the_pool_s(replicas, workers) + max(1.0, self.acquisitions) * wait_s

    def slower_ratio(self, replicas: int, workers: int, pool: int, latency_s: float) -> float:
        """
        Return the share of requests that take longer than *latency_s*.

        The percentile that x = ln(1 / (1 - p)) stands for is a line in x, and a steeper one from where requests of that percentile meet an
        empty pool; so it is turned round in closed form.
        """
        offered, most = self.offered(replicas, workers), self.tail / math.log(1 / (1 - self.share))
        slope_s = most * self.besides_the_pool_s(replicas, workers)
        if math.isinf(slope_s) or (self.acquisitions > 0 and offered >= pool):
            return 1.0
        x = latency_s / slope_s if slope_s > 0 else math.inf
        waiting = self.waiting_ratio(replicas, workers, pool)
        if waiting > 0 and x > (bend := -math.log(waiting)):
            queue_s = max(1.0, self.acquisitions) * self.hold_s / (pool - offered)
            x = (latency_s + queue_s * bend) / (slope_s + queue_s)
        return math.exp(-x)

    def slowed(self, factor: float) -> "Stations":
        """Return the stations if every demand were *factor* times as large."""
        return replace(
            self,
            cpu_s=self.cpu_s * factor,
            loop_s=self.loop_s * factor,
            blocked_s=self.blocked_s * factor,
            burst_s=self.burst_s * factor,
            hold_s=self.hold_s * factor,
            elsewhere_s=self.elsewhere_s * factor,
        )


def stations(problem: Problem) -> Stations:
    """Work out what does not depend on the knobs."""
    demand, policy = problem.demand, problem.policy
    soon_s, planned_s = _query_times_s(demand)
    return Stations(
        arrivals_rps=demand.arrivals_rps,
        cpu_s=demand.cpu_s,
        loop_s=demand.loop_s,
        blocked_s=demand.blocked_s,
        burst_s=problem.burst_s,
        acquisitions=demand.acquisitions,
        hold_s=_with(demand.hold_s, demand.queries / (demand.acquisitions or 1.0), demand.query_s, planned_s),
        elsewhere_s=math.inf if math.isinf(soon_s) else _with(demand.elsewhere_s, demand.queries, demand.query_s, soon_s),
        cores_per_pod=problem.workload.cpu_limit_cores,
        engines=policy.engines_per_worker,
        tail=problem.calibration.tail(policy.objective.percentile),
        share=policy.objective.percentile / 100,
    )


def connections_useful(demand: ServiceDemand) -> float:
    """
    Return how many connections the database can make use of: its knee, by how much longer one is held than it is busy; infinite if unknown.

    The pools are the database's admission control: who waits in them costs nothing, who waits in the database slows all others down.
    """
    if demand.curve is None:
        return math.inf
    querying_s = demand.queries * demand.query_s
    held = demand.acquisitions * demand.hold_s / querying_s if querying_s > 0 else 1.0
    return demand.curve.knee * min(max(1.0, held), _HOLD_RATIO_MOST)


def _query_times_s(demand: ServiceDemand) -> tuple[float, float]:
    """
    Return a statement's time at the load of the demand, and the time to plan the pool with, which is never beyond the knee.

    The curve counts all that the database runs. What of its present point this API does not account for is others' and stays.
    """
    curve, query_s = demand.curve, demand.query_s
    if curve is None or demand.queries <= 0 or query_s <= 0:
        return query_s, query_s
    queries_rps = demand.arrivals_rps * demand.queries
    now = curve.running_for(query_s)
    others = max(0.0, now - queries_rps * query_s) if math.isfinite(now) else 0.0
    running = curve.running(queries_rps, others)
    if running is None:
        return math.inf, curve.response_s(curve.knee) if math.isfinite(curve.knee) else query_s
    return curve.response_s(running), curve.response_s(min(running, curve.knee))


def _with(time_s: float, queries: float, before_s: float, after_s: float) -> float:
    """Return *time_s* with *queries* in it that take *after_s* instead of *before_s*, no more of them than fit in."""
    if after_s == before_s or queries <= 0:
        return time_s
    inside_s = min(time_s, queries * before_s)
    return time_s if inside_s <= 0 else time_s - inside_s + inside_s * (after_s / before_s)
