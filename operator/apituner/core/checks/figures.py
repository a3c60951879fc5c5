"""What one request spends, and what makes it wait, read off the signals; None where one of them is absent, which is never zero."""

import math

from apituner.core.evidence import Evidence
from apituner.core.snapshot import Signal

# The queue in front of a station that is nearly busy has no size that a window could tell (D / (1 - U)).
_MOST_UTILIZATION = 0.95


def times(*factors: float | None) -> float | None:
    """Multiply, if all is known; nought of something unknown is nought, such as a mean of nothing."""
    if 0.0 in factors:
        return 0.0
    product = 1.0
    for factor in factors:
        if factor is None:
            return None
        product *= factor
    return product


def per_request(e: Evidence, rate: float | None) -> float | None:
    """Divide something per second by the requests per second."""
    requests_rps = e.seen.get(Signal.REQUESTS_RPS)
    return rate / requests_rps if rate is not None and requests_rps else None


def mean_s(e: Evidence) -> float:
    """Return the mean latency as a caller feels it: the wait for the loop included."""
    return e.seen[Signal.LATENCY_MEAN_S] + e.seen[Signal.LOOP_LAG_MEAN_S]


def queries(e: Evidence) -> float | None:
    """Return the statements of a request."""
    return per_request(e, e.seen.get(Signal.QUERIES_RPS))


def query_s(e: Evidence) -> float | None:
    """
    Return the time of one statement in the database.

    The process sees a result only when its loop gets to it, so the mean lag is taken off: else every blocked loop were a slow database.
    """
    seen_s = e.seen.get(Signal.QUERY_MEAN_S)
    return None if seen_s is None else max(0.0, seen_s - e.seen[Signal.LOOP_LAG_MEAN_S])


def in_queries_s(e: Evidence) -> float | None:
    """Return the time of a request in statements, as the process sees it."""
    return times(queries(e), e.seen.get(Signal.QUERY_MEAN_S))


def external_s(e: Evidence) -> float | None:
    """Return the time of a request in calls to other services, all together."""
    return per_request(e, times(e.seen.get(Signal.EXTERNAL_RPS), e.seen.get(Signal.EXTERNAL_MEAN_S)))


def external_held_s(e: Evidence) -> float | None:
    """Return the part of it for which the request held a connection."""
    return times(external_s(e), e.seen.get(Signal.EXTERNAL_IN_TRANSACTION_RATIO))


def hold_s(e: Evidence) -> float | None:
    """Return for how long a request holds connections."""
    return per_request(e, times(e.seen.get(Signal.POOL_ACQUISITIONS_RPS), e.seen.get(Signal.POOL_HOLD_MEAN_S)))


def pool_wait_s(e: Evidence) -> float | None:
    """Return for how long a request waits for connections; who gave up waiting waited too."""
    acquired_rps, gave_up_rps = e.seen.get(Signal.POOL_ACQUISITIONS_RPS), e.seen.get(Signal.POOL_TIMEOUTS_RPS)
    if acquired_rps is None or gave_up_rps is None:
        return None
    return per_request(e, times(acquired_rps + gave_up_rps, e.seen.get(Signal.POOL_WAIT_MEAN_S)))


def cores_per_worker(e: Evidence) -> float:
    """Return what a worker may use: one core, for it is one loop, or its part of the pod's limit."""
    limit = e.workload.cpu_limit_cores
    return 1.0 if limit is None else min(1.0, limit / e.here.workers)


def utilization(e: Evidence) -> float:
    """Return the share of their CPU that the workers use."""
    return e.seen[Signal.CPU_CORES] / (e.seen[Signal.WORKERS_ALIVE] * cores_per_worker(e))


def cpu_queue_s(e: Evidence) -> float:
    """Return for how long a request waits for its turn on the CPU: D / (1 - U) less D."""
    busy = min(_MOST_UTILIZATION, utilization(e))
    return (per_request(e, e.seen[Signal.CPU_CORES]) or 0.0) * busy / (1 - busy)


def loop_cpu_ratio(e: Evidence) -> float:
    """Return the share of the time in which a loop uses the CPU."""
    return e.seen[Signal.LOOP_CPU_CORES] / e.seen[Signal.WORKERS_ALIVE]


def blocked_lag_s(e: Evidence) -> float:
    """
    Return the part of the mean lag that blocked loops make.

    Who arrives while a loop stands blocked waits for half of that on average; the p99 of the lag stands for how long it lasts.
    """
    return e.seen[Signal.LOOP_BLOCKED_RATIO] * e.seen[Signal.LOOP_LAG_P99_S] / 2


def turns(e: Evidence) -> float:
    """Return how often a request waits for the loop at least: at its start, and after all that it is known to wait for."""
    rates = (Signal.POOL_ACQUISITIONS_RPS, Signal.QUERIES_RPS, Signal.EXTERNAL_RPS)
    return 1 + sum(per_request(e, e.seen.get(rate)) or 0.0 for rate in rates)


def idle_hold_s(e: Evidence) -> float | None:
    """
    Return for how long a request holds connections for no reason that another check knows.

    Not in statements or calls to others, nor waiting for the CPU or for a blocked loop: response building on a busy worker is a matter of
    CPU first, and the hold is its symptom.
    """
    held_s, asking_s = hold_s(e), in_queries_s(e)
    if held_s is None or asking_s is None:
        return None
    cpu_s = (per_request(e, e.seen[Signal.CPU_CORES]) or 0.0) + cpu_queue_s(e)
    blocked_s = blocked_s_per_request(e) + blocked_lag_s(e) * turns(e)
    return max(0.0, held_s - asking_s - (external_held_s(e) or 0.0) - cpu_s - blocked_s)


def blocked_s_per_request(e: Evidence) -> float:
    """Return for how long a request itself blocks its loop, on average."""
    return per_request(e, e.seen[Signal.LOOP_BLOCKED_RATIO] * e.seen[Signal.WORKERS_ALIVE]) or 0.0


def pool_wait_from(e: Evidence, longer_s: float) -> float:
    """
    Return the wait for connections that is due to holding them *longer_s* longer: in proportion.

    A pool's wait is the symptom of whatever fills the holds; so it is charged to that, and what nobody is charged with is the pool's own.
    """
    held_s, wait_s = hold_s(e), pool_wait_s(e)
    return wait_s * min(1.0, longer_s / held_s) if held_s and wait_s is not None else 0.0


def offered(e: Evidence) -> float | None:
    """Return how many connections one pool has out on average (Little: acquisitions per second x seconds held)."""
    out = times(e.seen.get(Signal.POOL_ACQUISITIONS_RPS), e.seen.get(Signal.POOL_HOLD_MEAN_S))
    return None if out is None else out / (e.seen[Signal.WORKERS_ALIVE] * e.policy.engines_per_worker)


def pool_required(load: float) -> int:
    """Return the least pool in which one arrival in twenty waits, for a *load* in erlangs: a + 1.6 sqrt(a), and two (Erlang C <= 0.05)."""
    return max(2, math.ceil(load + 1.6 * math.sqrt(load)))
