"""The best that is within reach where nothing will do."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from apituner.core.configuration import Configuration
from apituner.core.feasibility import LIMITS, OF_CONNECTIONS, connections_most
from apituner.core.search import Search

Reached = tuple[float, Configuration]
"""A latency at the objective's percentile, and where it is reached."""


def nearest(within: Search) -> Reached | None:
    """
    Return the least latency among all that keep bounds and limits, and where that is; None where they allow nothing.

    A larger pool is never slower, so for each number of pods and workers the largest that is allowed is the fastest. They are taken up in
    the order of what they would give with as many connections as could at most be allowed; few are then looked at more closely.
    """
    if not within.workers:
        return None
    most = within.problem.at(within.replicas[-1], within.workers[-1], within.pools[-1])
    if within.broken(most, LIMITS) is None:
        return _latency_s(within, most), most
    best, allowed = _fastest_of_today(within), _Allowed(within=within, at_rest=connections_most(within.problem))
    allowed.exactly(within.replicas[0])
    for bound_s, fewest, least in sorted(_bounds(within, allowed)):
        if best is not None and bound_s >= best[0]:
            break
        pods, workers = -fewest, -least
        there = _largest(within, pods, workers, allowed.at_most(pods))
        if there is None or (best is not None and _latency_s(within, there) >= best[0]):
            continue
        there = _largest(within, pods, workers, allowed.exactly(pods))
        if there is not None and (best is None or _latency_s(within, there) < best[0]):
            best = _latency_s(within, there), there
    return best


def _bounds(within: Search, allowed: "_Allowed") -> Iterator[tuple[float, int, int]]:
    """Yield latencies that are not bettered, with pods and workers, these negative: of equals the largest is to come first."""
    for pods in within.replicas:
        connections = allowed.at_most(pods)
        for workers in within.workers:
            if (pool := min(within.pools[-1], connections // workers)) >= within.pools[0]:
                yield within.stations.latency_s(pods, workers, pool), -pods, -workers


@dataclass(slots=True, kw_only=True)
class _Allowed:
    """How many connections, by engine, the limits allow to each of so many new pods: the fewer, the more pods. It learns as it is asked."""

    within: Search
    at_rest: float
    known: dict[int, int] = field(default_factory=dict)

    def at_most(self, pods: int) -> int:
        """Return a number that is not exceeded, from what is known already."""
        most = self.within.workers[-1] * self.within.pools[-1]
        if pods:
            most = math.floor(min(most, self.at_rest / (self.within.problem.policy.engines_per_worker * pods)))
        return min(most, *(number for others, number in self.known.items() if others <= pods), most)

    def exactly(self, pods: int) -> int:
        """Return the number itself."""
        if pods not in self.known:
            low = max((number for others, number in self.known.items() if others >= pods), default=0)
            high = self.at_most(pods) + 1
            if high - low > 1 and self._allows(pods, high - 1):
                low = high - 1
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if self._allows(pods, middle) else (low, middle)
            self.known[pods] = low
        return self.known[pods]

    def _allows(self, pods: int, connections: int) -> bool:
        # Any split will do that is not today's, which would need no rollout.
        here = self.within.problem.here
        workers, pool = (1, connections) if here.pool_limit == 1 else (connections, 1)
        return self.within.broken(Configuration(replicas=pods, workers=workers, pool_size=pool), OF_CONNECTIONS) is None


def _largest(within: Search, pods: int, workers: int, connections: int) -> Configuration | None:
    """Return the one with the largest pool that bounds and a pod's *connections* leave to each worker; None where they leave none."""
    pool = min(within.pools[-1], connections // workers)
    return within.problem.at(pods, workers, pool) if pool >= within.pools[0] else None


def _latency_s(within: Search, there: Configuration) -> float:
    return within.stations.latency_s(there.replicas, there.workers, there.pool_limit)


def _fastest_of_today(within: Search) -> Reached | None:
    """Return the fastest of those that need no rollout: that with the most pods that are allowed."""
    if within.problem.here.workers not in within.workers:
        return None
    best: Reached | None = None
    low, high = within.replicas[0] - 1, within.replicas[-1] + 1
    while high - low > 1:
        pods = (low + high) // 2
        there = within.todays(pods, within.problem.here.workers)
        if there is not None and within.broken(there, LIMITS) is None:
            low, best = pods, (_latency_s(within, there), there)
        else:
            high = pods
    return best
