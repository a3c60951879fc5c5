"""Whether what was seen may be acted on: an ordered list of reasons why not. Missing is not zero."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apituner.core.configuration import Knob
from apituner.core.policy import Policy
from apituner.core.snapshot import Absence, Signal, Snapshot, Unobserved
from apituner.core.workload import Workload

# So that at least five requests lie beyond the objective's percentile: fewer make it a matter of luck whether it is met.
_REQUESTS_BEYOND_PERCENTILE = 5

# Of figures that cannot be: enough to know where to look.
_ODD_NAMED = 5

# What every decision rests on: whether the objective is met, and the two demands that no knob changes. All else may be absent, and the
# checks that need it then say so.
_NEEDED = (
    Signal.REQUESTS_RPS,
    Signal.LATENCY_MEAN_S,
    Signal.LATENCY_OBJECTIVE_S,
    Signal.OVER_OBJECTIVE_RATIO,
    Signal.ERRORS_RATIO,
    Signal.CPU_CORES,
    Signal.LOOP_CPU_CORES,
    Signal.LOOP_LAG_MEAN_S,
    Signal.LOOP_LAG_P99_S,
    Signal.LOOP_BLOCKED_RATIO,
    Signal.WORKERS_ALIVE,
)
_NEEDED_OF_A_POOL = (
    Signal.POOL_WAIT_MEAN_S,
    Signal.POOL_HOLD_MEAN_S,
    Signal.POOL_ACQUISITIONS_RPS,
    Signal.POOL_TIMEOUTS_RPS,
    # Without them a saturated database looks like a small pool.
    Signal.QUERIES_RPS,
    Signal.QUERY_MEAN_S,
    Signal.POOL_LIMIT,
    Signal.POOL_OVERFLOW,
)
_NEEDED_OF_A_BUDGET = (Signal.POOL_LIMIT, Signal.POOL_OVERFLOW)


INSTRUMENT = "from apituner.fastapi import instrument; instrument(app, engine=engine)"
"""What an API adds to have every signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Too little is known to decide anything: a reason for the condition and a sentence."""

    reason: str
    because: str


Check = Callable[[Snapshot, Workload, Policy], Gap | None]


def requests_were_served(seen: Snapshot, _workload: Workload, _policy: Policy) -> Gap | None:
    """Without traffic there is no latency, and every mean is a division by zero."""
    idle = seen.absent.get(Signal.LATENCY_MEAN_S) is Absence.NO_TRAFFIC or seen.get(Signal.REQUESTS_RPS) == 0
    return Gap(reason="NoTraffic", because="no request was served in the window, so nothing can be said about latency") if idle else None


def figures_are_numbers(seen: Snapshot, _workload: Workload, _policy: Policy) -> Gap | None:
    """Every comparison with NaN is false, so an unknown latency would pass for a good one; and nothing that is read is ever negative."""
    told = [(str(signal), value) for signal, value in seen.readings.items()]
    told += [(f"{signal} of the last {seen.fast_window_s:.0f} s", value) for signal, value in seen.fast.items()]
    told += [(f"{signal} of {route}", value) for route, figures in seen.routes.items() for signal, value in figures.items()]
    odd = [f"{name} is {value}" for name, value in told if not math.isfinite(value) or value < 0]
    if not odd:
        return None
    return Gap(reason="SignalsContradict", because=f"not a figure that can be: {', '.join(odd[:_ODD_NAMED])}")


def needed_signals_are_there(seen: Snapshot, _workload: Workload, policy: Policy) -> Gap | None:
    """One signal short, and the wrong bottleneck may be named."""
    wanted: tuple[Signal, ...] = _NEEDED
    if Knob.POOL in policy.knobs:
        wanted += _NEEDED_OF_A_POOL
    elif policy.connection_limit is not None:
        wanted += _NEEDED_OF_A_BUDGET
    if not (missing := seen.missing(*wanted)):
        return None
    lacking = [signal for signal in missing if seen.absent.get(signal) is Absence.NOT_EXPORTED]
    others = [f"{signal} ({seen.absent.get(signal, Absence.NO_SERIES)})" for signal in missing if signal not in lacking]
    parts = [f"{seen.exporter.name} has no {', '.join(lacking)}"] if lacking else []
    parts += [f"missing: {', '.join(others)}"] if others else []
    parts += [f"add `{INSTRUMENT}` to the API and let Prometheus scrape its port 9464"]
    parts += [f"for {signal} {option}" for signal, option in seen.exporter.options.items() if signal in seen.absent]
    return Gap(reason="SignalsMissing", because="; ".join(parts))


def every_ready_pod_reports(seen: Snapshot, workload: Workload, _policy: Policy) -> Gap | None:
    """The silent pod could be the busy one."""
    if seen.pods_reporting >= workload.ready_replicas:
        return None
    return Gap(reason="PartialCoverage", because=f"{seen.pods_reporting} of {workload.ready_replicas} ready pods report")


def every_pod_has_a_worker(seen: Snapshot, _workload: Workload, _policy: Policy) -> Gap | None:
    """A pod whose workers are being replaced contradicts what its counters say."""
    alive = seen[Signal.WORKERS_ALIVE]
    if seen.pods_reporting and alive >= seen.pods_reporting:
        return None
    return Gap(reason="SignalsContradict", because=f"{alive:.0f} workers are alive in {seen.pods_reporting} pods that report")


def every_pool_holds_a_connection(seen: Snapshot, _workload: Workload, policy: Policy) -> Gap | None:
    """A pool that may hold nothing serves nobody: some engines have not reported yet."""
    if Knob.POOL not in policy.knobs and policy.connection_limit is None:
        return None
    engines = seen[Signal.WORKERS_ALIVE] * policy.engines_per_worker
    if seen[Signal.POOL_LIMIT] >= engines:
        return None
    limit = seen[Signal.POOL_LIMIT]
    because = f"{engines:.0f} engines report {limit:.0f} connections: not all of them report, or enginesPerWorker is wrong"
    return Gap(reason="SignalsContradict", because=because)


def requests_suffice_for_the_percentile(seen: Snapshot, _workload: Workload, policy: Policy) -> Gap | None:
    """A percentile of a handful of requests is an anecdote."""
    requests = seen[Signal.REQUESTS_RPS] * seen.window_s
    needed = _REQUESTS_BEYOND_PERCENTILE / policy.objective.slow_ratio
    if requests >= needed:
        return None
    because = f"{requests:.0f} requests in {seen.window_s:.0f} s cannot tell p{policy.objective.percentile:g}: {needed:.0f} are needed"
    return Gap(reason="TooFewRequests", because=because)


CHECKS: Sequence[Check] = (
    figures_are_numbers,
    requests_were_served,
    needed_signals_are_there,
    every_ready_pod_reports,
    every_pod_has_a_worker,
    every_pool_holds_a_connection,
    requests_suffice_for_the_percentile,
)


def gap(seen: Snapshot | Unobserved, workload: Workload, policy: Policy) -> Gap | None:
    """Return the first reason why *seen* must not be acted on, None where it may."""
    if isinstance(seen, Unobserved):
        return Gap(reason=str(seen.reason), because=seen.because)
    return next((found for check in CHECKS if (found := check(seen, workload, policy))), None)
