"""
Finding the cheapest configuration, exactly and without trying them all.

It rests on what holds of the model: more of a knob never meets a need less, fewer pods and connections never break a limit more, and prices
grow with both. So for each number of workers the least sufficient number of pods is found, and for these the least sufficient pool; all
others cost more. Trying everything finds the same, as a test shows.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from apituner.core.configuration import Configuration, Knob
from apituner.core.costs import Price, price, processes_cores
from apituner.core.feasibility import (
    LIMITS,
    OF_WORKERS,
    Candidate,
    Constraint,
    Infeasible,
    first_violation,
    pods_least,
    suffices,
    violations,
)
from apituner.core.problem import Problem
from apituner.core.stations import Stations, stations

Key = tuple[Price, float, int, int, int]


@dataclass(frozen=True, kw_only=True)  # without slots: what is worked out once is kept
class Search:
    """A problem whose pools are not empty, with its stations."""

    problem: Problem
    stations: Stations
    replicas: range
    workers: tuple[int, ...]
    """The numbers that memory and cores allow."""
    pools: range

    def broken(self, there: Configuration, constraints: Sequence[Constraint]) -> Infeasible | None:
        """Return the first of *constraints* that *there* breaks."""
        return next(self.violations(there, constraints), None)

    def violations(self, there: Configuration, constraints: Sequence[Constraint]) -> Iterator[Infeasible]:
        """Yield all of *constraints* that *there* breaks."""
        return violations(Candidate(problem=self.problem, stations=self.stations, there=there), constraints)

    def suffices(self, replicas: int, workers: int, pool: int) -> bool:
        """Whether all needs are met."""
        return suffices(self.stations, self.problem.policy.objective.latency_s, replicas, workers, pool)

    @cached_property
    def pods(self) -> Mapping[int, int]:
        """The least number of pods that suffices with the largest pool, by the workers of each; without those of which none does."""
        found = {workers: self._pods(workers) for workers in self.workers}
        return {workers: pods for workers, pods in found.items() if pods is not None}

    def _pods(self, workers: int) -> int | None:
        most, pool = self.replicas[-1], self.pools[-1]
        # One less than the quotient says, which may err in its last bit.
        at = max(self.replicas[0], math.ceil(min(pods_least(self.stations, workers), most + 1)) - 1)
        if at > most or not self.suffices(most, workers, pool):
            return None
        low, step = at - 1, 1
        while not self.suffices(at, workers, pool):
            low, at, step = at, min(most, at + step), 2 * step
        while at - low > 1:
            middle = (low + at) // 2
            low, at = (low, middle) if self.suffices(middle, workers, pool) else (middle, at)
        return at

    def pool(self, replicas: int, workers: int, most: int) -> int:
        """Return the least pool that suffices, of those up to *most*, which does."""
        low = max(self.pools[0], math.ceil(self.stations.offered(replicas, workers))) - 1
        while most - low > 1:
            middle = (low + most) // 2
            low, most = (low, middle) if self.suffices(replicas, workers, middle) else (middle, most)
        return most

    def todays(self, replicas: int, workers: int) -> Configuration | None:
        """Return the configuration that needs no rollout, if these are today's workers and today's pool is within bounds."""
        here = self.problem.here
        if workers != here.workers or here.max_overflow != self.problem.overflow or here.pool_limit not in self.pools:
            return None
        return self.problem.at(replicas, workers, here.pool_limit)

    def owed(self) -> int:
        """
        Return how many processes any answer must have, so that more load is never answered with fewer of them.

        With more workers than cores a pod gains loops without CPU. As the load grows, a few such pods may have to make way for more pods
        with fewer workers, and in all for fewer processes; so no answer has fewer than the largest of these that the load has outgrown.
        """
        cores = self.problem.workload.cpu_limit_cores
        owed = 0
        for workers in self.workers:
            if cores is not None and workers > cores:
                outgrown = self.pods.get(workers, self.replicas[-1] + 1) - 1
                owed = max(owed, outgrown * workers if outgrown in self.replicas else 0)
        return owed

    def cheapest(self) -> Configuration | None:
        """Return the answer, with fewer processes than owed only where the limits leave no other; None where there is none at all."""
        owed = self.owed()
        return self._cheapest(LIMITS, owed) or (self._cheapest(LIMITS, 0) if owed else None)

    def unlimited(self) -> Configuration | None:
        """Return what the answer would be without limits."""
        return self._cheapest((), 0)

    def at(self, replicas: int, workers: int, most: int, limits: Sequence[Constraint]) -> tuple[Key, Configuration] | None:
        """Return the cheapest of the pools that suffice, of which *most* is one, and keep *limits*; larger ones keep them no better."""
        least = self.problem.at(replicas, workers, self.pool(replicas, workers, most))
        today = self.todays(replicas, workers)
        choices = [least] if today is None or today.pool_limit <= least.pool_limit else [least, today]
        allowed = [(self.key(there), there) for there in choices if self.broken(there, limits) is None]
        return min(allowed, default=None, key=lambda one: one[0])

    def key(self, there: Configuration) -> Key:
        """Return what is compared: the price, and among equals the latency."""
        latency_s = self.stations.latency_s(there.replicas, there.workers, there.pool_limit)
        return price(self.problem, there), latency_s, there.replicas, there.workers, there.pool_limit

    def _cheapest(self, limits: Sequence[Constraint], owed: int) -> Configuration | None:
        best: tuple[Key, Configuration] | None = None
        for cores, replicas, workers in sorted(self._starts(owed)):
            if best is not None and cores > best[0][0].processes_cores:
                break
            found = self._first_allowed(replicas, workers, limits, math.inf if best is None else best[0][0].processes_cores)
            if found is not None and (best is None or found[0] < best[0]):
                best = found
        return best and best[1]

    def _starts(self, owed: int) -> Iterator[tuple[float, int, int]]:
        for workers, enough in self.pods.items():
            if (replicas := max(enough, -(-owed // workers))) in self.replicas:
                yield processes_cores(self.problem, replicas, workers), replicas, workers

    def _first_allowed(
        self, replicas: int, workers: int, limits: Sequence[Constraint], most_cores: float
    ) -> tuple[Key, Configuration] | None:
        """Return the cheapest with so many *workers* that costs at most *most_cores*; *replicas* of them suffice."""
        pool, pods = self.pools[-1], replicas
        while pods in self.replicas and processes_cores(self.problem, pods, workers) <= most_cores:
            pool = self.pool(pods, workers, pool)
            if (found := self.at(pods, workers, pool, limits)) is not None or self._forbidden_beyond(pods, workers, pool, limits):
                return found
            pods += 1
        return None

    def _forbidden_beyond(self, pods: int, workers: int, pool: int, limits: Sequence[Constraint]) -> bool:
        """Whether *limits* forbid so many pods already with the pool that the most of them would need, and that of today as well."""
        least = self.pool(self.replicas[-1], workers, pool)
        if self.broken(self.problem.at(pods, workers, least), limits) is None:
            return False
        today = self.todays(pods, workers)
        return today is None or today.pool_limit < least or self.broken(today, limits) is not None


def search(problem: Problem, at: Stations | None = None, *, any_workers: bool = False) -> Search:
    """Return the search of a problem whose pools are not empty; with *any_workers* also of those that memory or cores forbid."""
    at = at or stations(problem)
    replicas, workers, pools = problem.span(Knob.REPLICAS), problem.span(Knob.WORKERS), problem.pools

    def allowed(number: int) -> bool:
        there = problem.at(replicas[0], number, pools[0])
        return first_violation(Candidate(problem=problem, stations=at, there=there), OF_WORKERS) is None

    numbers = tuple(number for number in workers if any_workers or allowed(number))
    return Search(problem=problem, stations=at, replicas=replicas, workers=numbers, pools=pools)
