"""What a configuration would give: the model, closed form throughout."""

import math
from dataclasses import dataclass

from apituner.core.configuration import Configuration, connections_at_peak
from apituner.core.demand import ServiceDemand
from apituner.core.laws import residence_s, waiting_mean_s, waiting_probability, waiting_quantile_s
from apituner.core.policy import Policy

# The tail of everything but the pool's queue, as a multiple of its mean, against an exponential's ln(1 / (1 - p)): a running FastAPI showed
# p95 at 2.0 to 2.4 and p99 at 2.4 to 3.1 times the mean, an exponential has 3.0 and 4.6. The upper end is taken: too slow a forecast buys
# a connection too many, too fast a one misses the objective.
_TAIL = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the model says a configuration gives at the demand of now."""

    latency_s: float
    """The objective's percentile; infinite where a station is saturated."""
    pool_wait_s: float
    """Mean wait for a connection."""
    pool_waiting_ratio: float
    """The share of acquisitions that find no free connection."""
    pool_utilization: float
    cpu_utilization: float
    loop_utilization: float
    connections: int
    connections_at_peak: int
    """While today's configuration becomes this one."""


def forecast(there: Configuration, here: Configuration, demand: ServiceDemand, policy: Policy, cores_per_pod: float | None) -> Forecast:
    """
    Forecast *there*, on the way from *here*.

    Every worker is a queue of its own: neither the kernel's accept nor a service's balancing sends a request to the idle one. So the
    load is split evenly over workers, each with one loop and one pool.
    """
    processes = there.replicas * there.workers
    arrivals_rps = demand.arrivals_rps / processes if processes else math.inf
    cores = there.workers if cores_per_pod is None else min(there.workers, cores_per_pod)
    loop_utilization = arrivals_rps * demand.loop_s
    offered = arrivals_rps * demand.acquisitions * demand.hold_s / policy.engines_per_worker
    share = policy.objective.percentile / 100
    wait_s, wait_at_percentile_s, waiting_ratio = 0.0, 0.0, 0.0
    if demand.acquisitions > 0:
        pool = there.pool_limit
        wait_s = waiting_mean_s(offered, pool, demand.hold_s)
        wait_at_percentile_s = waiting_quantile_s(offered, pool, demand.hold_s, share)
        waiting_ratio = waiting_probability(offered, pool)
    tail = max(1.0, _TAIL * math.log(1 / (1 - share)))
    return Forecast(
        latency_s=tail * (residence_s(demand.loop_s, loop_utilization) + demand.elsewhere_s)
        + max(1.0, demand.acquisitions) * wait_at_percentile_s,
        pool_wait_s=wait_s,
        pool_waiting_ratio=waiting_ratio,
        pool_utilization=offered / there.pool_limit,
        cpu_utilization=demand.arrivals_rps * demand.cpu_s / (there.replicas * cores) if there.replicas else math.inf,
        loop_utilization=loop_utilization,
        connections=there.connections(policy.engines_per_worker),
        connections_at_peak=connections_at_peak(here, there, policy.engines_per_worker),
    )
