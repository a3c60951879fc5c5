"""What happened within one tick, in sums that add up over a window, and the signals that come of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from golden.api import Api
from golden.queues import blocked_wait_s, shared_s, slower_share, wait_mean_s, wait_quantile_s

_FULL = 0.97
"""Nothing is ever used more: what comes beyond it is turned away."""
_TAIL = 2.2
"""p95 against the mean of what no queue explains, as measured of running APIs."""
_CPU_LIMIT_CORES = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the pods that serve have in common."""

    pods: int
    workers: int
    pool: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One tick: rates and means of a queueing network at rest."""

    served_rps: float
    refused_rps: float
    mean_s: float
    p95_s: float
    slow_share: float
    cpu_cores: float
    lag_s: float
    blocked_share: float
    wait_s: float
    hold_s: float
    query_s: float
    throttled_share: float
    external_s: float


def flow(api: Api, at: Setting, objective_s: float) -> Flow:
    """Return how *api* runs at *at*: every worker a loop and a pool of its own, one database behind all of them."""
    processes = at.pods * at.workers
    cores = at.pods * min(at.workers, _CPU_LIMIT_CORES)
    hold_s, query_s = _held_s(api, api.rps, processes * at.pool)
    capacity_rps = min(cores / api.cpu_s, processes / api.busy_s(), processes * at.pool / hold_s) * _FULL
    served = min(api.rps, capacity_rps)
    each = served / processes
    hold_s, query_s = _held_s(api, served, processes * at.pool)
    loop = shared_s(api.cpu_s, min(_FULL, served * api.cpu_s / min(cores, processes)))
    blocked = blocked_wait_s(each * api.blocking_share, api.blocking_s) + api.blocking_share * api.blocking_s
    offered = min(each * hold_s, at.pool * _FULL)
    wait_s = wait_mean_s(offered, at.pool, hold_s)
    rest_s = loop + blocked + hold_s + api.external_s
    p95_s = _TAIL * rest_s + wait_quantile_s(offered, at.pool, hold_s, 0.95)
    per_pod = served * api.cpu_s / at.pods / _CPU_LIMIT_CORES
    return Flow(
        served_rps=served,
        refused_rps=api.rps - served,
        mean_s=rest_s + wait_s,
        p95_s=p95_s,
        slow_share=slower_share(objective_s, p95_s, 0.95),
        cpu_cores=served * api.cpu_s,
        lag_s=blocked + loop - api.cpu_s,
        blocked_share=each * api.blocking_share * api.blocking_s,
        wait_s=wait_s,
        hold_s=hold_s,
        query_s=query_s,
        throttled_share=max(0.0, per_pod - 0.8) / 0.2 if at.workers > 1 else 0.0,
        external_s=api.external_s,
    )


def _held_s(api: Api, rps: float, connections: int) -> tuple[float, float]:
    """Return how long a connection is held, and one statement takes: the fixed point of Little's law, up to what the pools let through."""
    at_once = 0.0
    for _ in range(200):
        query_s = api.database.takes_s(at_once)
        at_once += (min(connections, rps * api.queries * query_s) - at_once) / 2
    query_s = api.database.takes_s(at_once)
    return api.queries * query_s + api.hold_extra_s, query_s


def signals(flows: Sequence[Flow], api: Api, at: Setting) -> dict[str, float]:
    """Return what Prometheus tells of the window that *flows* make up; gauges are those of *at*, the last moment."""
    ticks, served = len(flows), sum(one.served_rps for one in flows)

    def mean(of: str) -> float:
        return float(sum(getattr(one, of) for one in flows)) / ticks

    def by_request(of: str) -> float:
        return float(sum(getattr(one, of) * one.served_rps for one in flows)) / served

    rps, refused = served / ticks, mean("refused_rps")
    out = rps * by_request("hold_s")
    told = {
        "requests_rps": rps + refused,
        "errors_ratio": refused / (rps + refused),
        "in_flight": rps * by_request("mean_s"),
        "latency_mean_s": by_request("mean_s"),
        "latency_objective_s": by_request("p95_s"),
        "over_objective_ratio": by_request("slow_share"),
        "cpu_cores": mean("cpu_cores"),
        "loop_cpu_cores": 0.95 * mean("cpu_cores"),
        "worker_cpu_max_ratio": mean("cpu_cores") / (at.pods * at.workers),
        "throttled_ratio": mean("throttled_share"),
        "loop_lag_mean_s": mean("lag_s"),
        "loop_lag_p99_s": api.blocking_s if mean("blocked_share") > 0.01 else 4.6 * mean("lag_s"),
        "loop_blocked_ratio": mean("blocked_share"),
        "pool_wait_mean_s": by_request("wait_s"),
        "pool_hold_mean_s": by_request("hold_s"),
        "pool_acquisitions_rps": rps,
        "pool_in_use": out,
        "pool_limit": at.pods * at.workers * at.pool,
        "pool_overflow": 0,
        "pool_timeouts_rps": refused,
        "queries_rps": rps * api.queries,
        "query_mean_s": by_request("query_s"),
        "queries_in_serialization_ratio": 0,
        "external_rps": rps if by_request("external_s") else 0,
        "external_in_transaction_ratio": 0,
        "external_without_timeout_ratio": 0,
        "serialization_mean_s": 0.1 * api.cpu_s,
        "response_mean_bytes": 4000,
        "background_mean_s": 0,
        "threadpool_tokens": 40 * at.pods * at.workers,
        "threadpool_borrowed": 0,
        "threadpool_waiting": 0,
        "workers_alive": at.pods * at.workers,
        "worker_rss_max_bytes": api.worker_bytes,
        "pod_rss_max_bytes": api.pod_bytes + at.workers * api.worker_bytes,
        "restarts_per_hour": 0,
        "db_connections": at.pods * at.workers * at.pool + api.others_connections,
        "db_active": rps * api.queries * by_request("query_s"),
        "db_connections_others": api.others_connections,
        "db_max_connections": api.database.limit,
        "db_reserved": api.database.reserved,
    }
    if by_request("external_s"):
        told["external_mean_s"] = by_request("external_s")
    return {name: float(f"{value:.6g}") for name, value in told.items()}


_ORDERS, _REPORTS = "/orders/{order_id}", "/reports/{month}"
_REPORTS_SHARE = 0.1


def routes(api: Api, served_rps: float) -> dict[str, dict[str, float]]:
    """Return what is known by route: nine of ten requests read an order, and what blocks the loop is always the report."""
    common = {"queries_per_request": api.queries, "response_mean_bytes": 4000.0, "serialization_mean_s": 0.1 * api.cpu_s}
    return {
        _ORDERS: {"requests_rps": round((1 - _REPORTS_SHARE) * served_rps, 3), **common},
        _REPORTS: {"requests_rps": round(_REPORTS_SHARE * served_rps, 3), **common, "blocked_ratio": 1.0 if api.blocking_share else 0.0},
    }
