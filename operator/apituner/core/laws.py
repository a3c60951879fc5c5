"""The laws of queues that the model rests on, each with its symbols."""

import math
from dataclasses import dataclass
from functools import lru_cache


@lru_cache(maxsize=64)  # a configuration's mean wait, its quantile and its share of waits ask for the same one
def waiting_probability(offered: float, servers: int) -> float:
    """
    Erlang C: the chance that an arrival finds all *servers* busy.

    *offered* is the load in erlangs (arrivals per second times seconds of service). At or past saturation every arrival waits, so the
    answer is 1 rather than an error: the solver walks through such points on its way to a feasible one.
    Source: Erlang 1917; grown from Erlang B by its recurrence, which needs no factorials.
    """
    if offered >= servers:
        return 1.0
    blocking = 1.0
    for m in range(1, servers + 1):
        blocking = offered * blocking / (m + offered * blocking)
    return blocking / (1 - (offered / servers) * (1 - blocking))


def waiting_mean_s(offered: float, servers: int, service_s: float) -> float:
    """Return the mean wait in an M/M/m queue, C * service / (m - a); infinite at or past saturation."""
    if offered >= servers:
        return math.inf
    return waiting_probability(offered, servers) * service_s / (servers - offered)


def waiting_quantile_s(offered: float, servers: int, service_s: float, share: float) -> float:
    """
    Return the wait that a *share* of arrivals does not exceed in an M/M/m queue.

    The wait exceeds t with probability C * exp(-(m - a) * t / service); it is 0 for the many who find a free server.
    """
    if offered >= servers:
        return math.inf
    waiting = waiting_probability(offered, servers)
    if waiting <= 1 - share:
        return 0.0
    return math.log(waiting / (1 - share)) * service_s / (servers - offered)


def residence_s(demand_s: float, utilization: float) -> float:
    """
    Return the time inside a processor-sharing station, D / (1 - U); infinite at or past saturation.

    An event loop that serves many short callbacks in turn behaves so (measured against uvicorn: 0 to 15 % on the low side).
    """
    return math.inf if utilization >= 1 else demand_s / (1 - utilization)


def waiting_behind_mean_s(arrivals_rps: float, square_s2: float, utilization: float) -> float:
    """
    Return the mean wait in an M/G/1 queue, lambda * E[S^2] / (2 * (1 - U)); infinite at or past saturation.

    *square_s2* is the mean of the squared service time, in which one long service counts for more than many short ones. With a squared
    coefficient of variation c it is (1 + c) * S^2. Source: Pollaczek 1930, Khinchine 1932.
    """
    return math.inf if utilization >= 1 else arrivals_rps * square_s2 / (2 * (1 - utilization))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usl:
    """
    How long a query takes when *n* of them run at once, by the Universal Scalability Law.

    R(n) = base_s * (1 + contention * (n - 1) + coherency * n * (n - 1)); throughput n / R(n) is largest at the knee. Source: Gunther 2007;
    the base must be fitted with the rest (Schwartz 2015).
    """

    base_s: float
    contention: float
    coherency: float

    def response_s(self, n: float) -> float:
        """Return the time of one query when *n* of them, at least one, run at once."""
        n = max(1.0, n)
        return self.base_s * (1 + self.contention * (n - 1) + self.coherency * n * (n - 1))

    @property
    def knee(self) -> float:
        """The number of queries at once beyond which throughput falls; infinite where it never does."""
        return math.sqrt((1 - self.contention) / self.coherency) if self.coherency > 0 and self.contention < 1 else math.inf

    @property
    def throughput_most_rps(self) -> float:
        """The most queries per second that the database completes, at its knee; the limit 1 / (base_s * contention) where it has none."""
        if math.isinf(self.knee):
            per_query = self.base_s * self.contention
            return 1 / per_query if per_query > 0 else math.inf
        return self.knee / self.response_s(self.knee)

    def running_for(self, response_s: float) -> float:
        """Return how many queries run at once while each takes *response_s*: 1 where that is no longer than alone, infinite if never."""
        if response_s <= self.base_s:
            return 1.0
        flat, linear, square = self._coefficients
        if square > 0:
            return (-linear + math.sqrt(linear * linear + 4 * square * (response_s - flat))) / (2 * square)
        return (response_s - flat) / linear if linear > 0 else math.inf

    def running(self, arrivals_rps: float, others: float = 0.0) -> float | None:
        """
        Return how many queries run at once when *arrivals_rps* come, *others* being there already; None where there is no such number.

        The least n with n = others + arrivals * R(n) (Little): the queue that a database falls back to, and not the larger root, from
        which a burst does not return. There is none where more comes than the database can complete.
        """
        alone = others + arrivals_rps * self.base_s
        if alone <= 1:
            return alone
        flat, linear, square = self._coefficients
        a, b, c = arrivals_rps * square, arrivals_rps * linear - 1, arrivals_rps * flat + others
        if b >= 0 or (discriminant := b * b - 4 * a * c) < 0:
            return None
        least = 2 * c / (-b + math.sqrt(discriminant))
        return least if least >= 1 else None

    @property
    def _coefficients(self) -> tuple[float, float, float]:
        """R(n) = flat + linear * n + square * n^2, for n of at least 1."""
        square = self.base_s * self.coherency
        linear = self.base_s * self.contention - square
        return self.base_s - linear - square, linear, square
