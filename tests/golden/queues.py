"""The laws of queues that the world runs by; written here anew, so that the brain is not judged by its own formulas."""

from math import exp, factorial, log


def waiting_share(offered: float, servers: int) -> float:
    """Erlang C by its sum: the share of arrivals that find all *servers* busy, for *offered* < *servers* erlangs."""
    waiting = offered**servers / factorial(servers) * servers / (servers - offered)
    return waiting / (sum(offered**k / factorial(k) for k in range(servers)) + waiting)


def wait_mean_s(offered: float, servers: int, hold_s: float) -> float:
    """The mean wait of M/M/c."""
    return waiting_share(offered, servers) * hold_s / (servers - offered)


def wait_quantile_s(offered: float, servers: int, hold_s: float, share: float) -> float:
    """What *share* of the arrivals wait at most: the wait of those who wait is exponential."""
    waiting = waiting_share(offered, servers)
    return 0.0 if waiting <= 1 - share else log(waiting / (1 - share)) * hold_s / (servers - offered)


def shared_s(work_s: float, utilization: float) -> float:
    """Processor sharing: short bursts of many requests take turns on one loop."""
    return work_s / (1 - utilization)


def blocked_wait_s(rate_rps: float, blocked_s: float) -> float:
    """Pollaczek and Khinchine for bursts of one length: how long an arrival waits for a loop that stands still."""
    return rate_rps * blocked_s**2 / (2 * (1 - rate_rps * blocked_s))


def slower_share(limit_s: float, quantile_s: float, share: float) -> float:
    """The share that takes longer than *limit_s*, of an exponential tail through *quantile_s* at *share*."""
    return exp(log(1 - share) * limit_s / quantile_s)
