"""From what was seen to what one request asks of every station: the only thing that a change of knobs leaves alone."""

from dataclasses import dataclass

from apituner.core.configuration import Configuration, Knob
from apituner.core.laws import Usl, residence_s
from apituner.core.policy import Policy
from apituner.core.snapshot import Signal, Snapshot
from apituner.core.workload import SettingName, Workload

# A queue found in the pool is to be worked off within a window of this length, on top of what arrives.
_DRAIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDemand:
    """What one request asks of every station, in seconds of service, and how many requests come."""

    arrivals_rps: float
    """Requests per second to be served: those completed, and the queue in the pool worked off within a minute."""
    cpu_s: float
    """CPU time of a worker process."""
    loop_s: float
    """CPU time of the event loop's thread."""
    acquisitions: float
    """Connections taken from the pool, per request; 0 for an API without one."""
    hold_s: float
    """From taking a connection to giving it back, each time."""
    elsewhere_s: float
    """All other time inside the API: queries, downstream calls and what no station explains."""
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


def service_demand(seen: Snapshot, effective: Configuration, policy: Policy) -> ServiceDemand:
    """
    Estimate what one request asks of every station, by the service demand law: busy time divided by completions.

    *seen* must have no gap. What is left of the mean latency when pool wait and loop are taken off is kept as it is under any other
    configuration, so the model agrees with the present exactly and errs only in what it changes.
    """
    completed_rps = seen[Signal.REQUESTS_RPS]
    cpu_s = seen[Signal.CPU_CORES] / completed_rps
    loop_s = seen[Signal.LOOP_CPU_CORES] / completed_rps
    has_pool = Knob.POOL in policy.knobs
    # Who gave up waiting wanted a connection too, and its wait is in the mean.
    acquired_rps = seen[Signal.POOL_ACQUISITIONS_RPS] + seen[Signal.POOL_TIMEOUTS_RPS] if has_pool else 0.0
    wait_s = seen[Signal.POOL_WAIT_MEAN_S] if has_pool else 0.0
    acquisitions = acquired_rps / completed_rps
    waiting = acquired_rps * wait_s  # Little: how many stand in the pool's queue
    pods = max(seen.pods_reporting, 1)
    loop_utilization = min(0.95, seen[Signal.LOOP_CPU_CORES] / (pods * effective.workers))
    elsewhere_s = seen[Signal.LATENCY_MEAN_S] - acquisitions * wait_s - residence_s(loop_s, loop_utilization)
    return ServiceDemand(
        arrivals_rps=completed_rps + waiting / _DRAIN_S,
        cpu_s=cpu_s,
        loop_s=loop_s,
        acquisitions=acquisitions,
        hold_s=seen[Signal.POOL_HOLD_MEAN_S] if has_pool else 0.0,
        elsewhere_s=max(0.0, elsewhere_s),
        worker_bytes=seen.get(Signal.WORKER_RSS_MAX_BYTES),
    )
