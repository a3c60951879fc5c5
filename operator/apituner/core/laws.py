"""The laws of queues that the model rests on, each with its symbols."""

import math


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
