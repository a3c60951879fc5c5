"""The best that is within reach where nothing will do."""

from apituner.core.configuration import Configuration
from apituner.core.feasibility import LIMITS, connections_most
from apituner.core.search import Search


def nearest(within: Search) -> tuple[float, Configuration] | None:
    """
    Return the least latency at the objective's percentile among all that keep bounds and limits, and where that is; None where none does.

    More of everything is never slower, so the largest configuration is the answer unless a limit binds. Then for each number of pods and
    workers the largest pool that is allowed is the fastest; most of them are ruled out by the latency that they would have without limits.
    """
    most = connections_most(within.problem) / within.problem.policy.engines_per_worker
    best: tuple[float, Configuration] | None = None
    for workers in reversed(within.workers):
        for replicas in reversed(within.replicas):
            pool = int(min(within.pools[-1], most / (replicas * workers))) if replicas else within.pools[-1]
            today = within.todays(replicas, workers)
            if pool < within.pools[0] and today is None:
                continue
            largest = max(pool, today.pool_limit if today else 0, within.pools[0])
            if best is not None and within.stations.latency_s(replicas, workers, largest) >= best[0]:
                continue
            for there in (_largest(within, replicas, workers, pool), today):
                if there is None or within.broken(there, LIMITS) is not None:
                    continue
                latency_s = within.stations.latency_s(replicas, workers, there.pool_limit)
                if best is None or latency_s < best[0]:
                    best = latency_s, there
    return best


def _largest(within: Search, replicas: int, workers: int, most: int) -> Configuration | None:
    """Return the largest pool up to *most* that keeps the limits."""
    if most < within.pools[0]:
        return None
    there = within.problem.at(replicas, workers, most)
    if within.broken(there, LIMITS) is None:
        return there
    low, high = within.pools[0] - 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if within.broken(within.problem.at(replicas, workers, middle), LIMITS) is None else (low, middle)
    return within.problem.at(replicas, workers, low) if low >= within.pools[0] else None
