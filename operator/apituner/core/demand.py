"""From what was seen to what one request asks of every station: the only thing that a change of knobs leaves alone."""

from dataclasses import dataclass
from datetime import datetime

from apituner.core.configuration import Configuration, Knob
from apituner.core.estimation.demands import Demands, pool_waiting
from apituner.core.estimation.estimates import Estimates
from apituner.core.estimation.kalman import Filter
from apituner.core.estimation.peak import Peak
from apituner.core.laws import Usl
from apituner.core.policy import Policy
from apituner.core.snapshot import Signal, Snapshot
from apituner.core.workload import SettingName, Workload

# A queue found in the pool is to be worked off within a window of this length, on top of what arrives.
_DRAIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDemand:
    """What one request asks of every station, in seconds of service, and how many requests come."""

    arrivals_rps: float
    """Requests per second to be served: those that come, and the queue in the pool worked off within a minute."""
    cpu_s: float
    """CPU time of a worker process."""
    loop_s: float
    """CPU time of the event loop's thread."""
    acquisitions: float
    """Connections taken from the pool, per request; 0 for an API without one."""
    hold_s: float
    """From taking a connection to giving it back, each time."""
    elsewhere_s: float
    """All time inside the API but the pool's queue and the loop (at ``loop_s + blocked_s``): queries, calls and what nothing explains."""
    worker_bytes: float | None
    """Resident memory of the largest worker; None where it is not reported."""
    blocked_s: float = 0.0
    """Time for which the event loop stood still without using CPU."""
    queries: float = 0.0
    """Statements, per request."""
    query_s: float = 0.0
    """One statement, at the concurrency of now."""
    curve: Usl | None = None
    """How a statement's time grows with how many run at once; None where that is not known."""
    external_s: float = 0.0
    """Calls to other services, all together."""
    windows: int = 0
    """How many windows the estimates rest on."""
    relative_error: float = 0.0
    """The standard error of the least known of the demands that bind, as a share of it."""
    pod_base_bytes: float = 0.0
    """Resident memory of a pod beyond its workers; 0 where it is not reported."""
    others_running: float = 0.0
    """Statements that others have the database run, on top of ours: *curve* counts both, where the database tells."""


def in_force(seen: Snapshot, workload: Workload, policy: Policy) -> Configuration:
    """
    Return the configuration that the processes report, not the one that was configured.

    A variable often does nothing: a flag on the command line wins, or the program never reads it. Only what the processes say counts.
    """
    workers_alive = seen[Signal.WORKERS_ALIVE]
    workers = max(1, round(workers_alive / max(seen.pods_reporting, 1)))
    limit, overflow = 1, 0
    # Also where no knob names the pool: its connections cost a budget all the same, whatever moves the pods and workers that hold them.
    if (pools := seen.get(Signal.POOL_LIMIT)) is not None:
        engines = workers_alive * policy.engines_per_worker
        limit = max(1, round(pools / engines))
        overflow = round((seen.get(Signal.POOL_OVERFLOW) or 0) / engines)
    overflow = min(overflow, limit - 1)
    return Configuration(replicas=workload.replicas, workers=workers, pool_size=limit - overflow, max_overflow=overflow)


def configured(workload: Workload, effective: Configuration) -> Configuration:
    """Return what the pod template asks for; where it says nothing, what is in force."""

    def value(name: SettingName, otherwise: int) -> int:
        setting = workload.settings.get(name)
        return otherwise if setting is None or setting.value is None else setting.value

    return Configuration(
        replicas=workload.replicas,
        workers=max(1, value(SettingName.WORKERS, effective.workers)),
        pool_size=max(1, value(SettingName.POOL_SIZE, effective.pool_size)),
        max_overflow=max(0, value(SettingName.MAX_OVERFLOW, effective.max_overflow)),
    )


def service_demand(seen: Snapshot, effective: Configuration, policy: Policy, estimates: Estimates | None = None) -> ServiceDemand:
    """
    Say what one request asks of every station, by the service demand law: busy time divided by completions.

    *seen* must have no gap, and *estimates* have seen it. They give the filtered figures, each with its error. While they know none (none
    given, or another program since the last window), *seen* alone is the first window of all. A figure that was never seen is 0, and its
    time is part of ``elsewhere_s``.
    """
    demands = estimates.demands if estimates else Demands()
    if demands.cpu is None or demands.loop is None:
        demands = Demands().seeing(seen, effective, policy)
    pooled = Knob.POOL in policy.knobs
    acquisitions, hold = (demands.acquisitions, demands.hold) if pooled else (None, None)
    binding = [known.estimate for known in (demands.cpu, demands.loop, acquisitions, hold) if known and known.value]
    return ServiceDemand(
        arrivals_rps=_arrivals_rps(seen, policy, estimates),
        cpu_s=_value(demands.cpu),
        loop_s=_value(demands.loop),
        acquisitions=_value(acquisitions),
        hold_s=_value(hold),
        elsewhere_s=_value(demands.elsewhere),
        worker_bytes=demands.worker_bytes.value if demands.worker_bytes else None,
        blocked_s=_value(demands.blocked),
        queries=_value(demands.queries),
        query_s=_value(demands.query),
        curve=estimates.queries.curve if estimates else None,
        external_s=_value(demands.external),
        windows=min((one.windows for one in binding), default=0),
        relative_error=max((one.relative_error for one in binding), default=0.0),
        pod_base_bytes=_value(demands.base_bytes),
        others_running=estimates.others_running if estimates else 0.0,
    )


def lead(estimates: Estimates, now: datetime, lead_s: float) -> float | None:
    """
    Return the requests per second to expect in *lead_s*, for growing only: never fewer than now. None while nothing was seen.

    For shrinking, ``arrivals_rps`` counts as it is: a forecast that less will come gives up no capacity that is needed now.
    """
    return estimates.arrivals.expected_rps(now.timestamp(), lead_s)


def _arrivals_rps(seen: Snapshot, policy: Policy, estimates: Estimates | None) -> float:
    """
    Return what comes, and the queue in the pool worked off within a minute.

    What comes is the most of: completed in the window; completed in the shorter window, which sees a step sooner; and what flow balance
    and the bound of an overload make of it. None of them lowers another, so a window that completes less never says alone that less comes.
    """
    present = estimates.arrivals.present_rps if estimates else None
    came_rps = max(seen[Signal.REQUESTS_RPS], seen.fast.get(Signal.REQUESTS_RPS, 0.0), present or 0.0)
    return came_rps + pool_waiting(seen, policy) / _DRAIN_S


def _value(known: Filter | Peak | None) -> float:
    return known.value if known else 0.0
