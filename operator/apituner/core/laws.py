"""The laws of queues that the model rests on, each with its symbols."""

import math
from dataclasses import dataclass


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
