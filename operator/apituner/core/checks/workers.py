"""Whether the worker processes get CPU and memory, and whether their loops turn."""

import math

from apituner.core.checks import figures
from apituner.core.checks.judging import Case, Look, worst_routes
from apituner.core.evidence import Evidence, milliseconds
from apituner.core.finding import Bottleneck, Check, Finding, Remark
from apituner.core.snapshot import RouteSignal, Signal

# In one period of ten a container is stopped at its limit: the p90 of whatever it does holds a stop.
_THROTTLED_MOST = 0.1
# Linux hands out CPU in periods of 100 ms; who is stopped stands for half of one on average.
_STOPPED_S = 0.05
# A loop is blocked, not busy, when a good part of what keeps it from turning is no CPU and its core is mostly free. A standstill of 50 ms
# is what the instrumentation counts from.
_BLOCKED_OF_BUSY = 0.3
_BLOCKED_LAG_S = 0.05
_BLOCKED_CPU_MOST = 0.5
# A worker is one loop on one core; beyond this the queue in front of it doubles and more (D / (1 - U)).
_CPU_UTILIZATION = 0.65
_LAG_SHARE = 0.2
# Of the memory limit: the rest is for the page cache, threads and the moment of a copy.
_MEMORY_MOST = 0.9
# A fifth of a worker's time: what a rollout could not give back by adding a worker to four.
_BACKGROUND_MOST = 0.2
_MIB = 2**20


def workers_are_not_throttled(e: Evidence) -> Finding:
    """A container at its CPU limit stands still as a whole, which looks like a blocked loop or a slow pool."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Bottleneck.CPU_THROTTLED)
    limit, throttled = e.workload.cpu_limit_cores, e.seen.get(Signal.THROTTLED_RATIO)
    if limit is None:
        return look.fine("the container has no CPU limit")
    if throttled is None:
        return look.unknown("how often the container is stopped at its CPU limit is not reported")
    because = f"the container is stopped at its limit of {limit:g} cores in {throttled:.0%} of all periods, with {e.here.workers} workers"
    waited_s = throttled * _STOPPED_S + figures.cpu_queue_s(e)
    explains_s = waited_s + figures.pool_wait_from(e, waited_s)
    advice = "raise resources.limits.cpu, or run no more workers than the limit has cores, on more replicas"
    return look.judged(e, Case(bad=throttled > _THROTTLED_MOST, because=because, advice=advice, explains_s=explains_s))


def loop_is_not_blocked(e: Evidence) -> Finding:
    """A blocked loop delays everything on its worker, also the return of connections: look here before blaming the pool."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Bottleneck.LOOP_BLOCKED)
    blocked, lag_s, busy = e.seen[Signal.LOOP_BLOCKED_RATIO], e.seen[Signal.LOOP_LAG_P99_S], figures.loop_cpu_ratio(e)
    cpu = e.seen[Signal.CPU_CORES] / e.seen[Signal.WORKERS_ALIVE]
    because = f"event loops stand blocked {blocked:.0%} of the time without using CPU, p99 of their lag is {milliseconds(lag_s)}"
    where = worst_routes(e, RouteSignal.BLOCKED_RATIO, "%", least=0.01)
    advice = (
        f"a synchronous call runs inside an async def route{where}: move it to asyncio.to_thread, a def route, or another process; "
        "apituning_eventloop_held_seconds_total names the function"
    )
    # Arrivals see time averages: what the objective forgives of requests, it forgives of a loop's time.
    often = blocked > e.policy.objective.slow_ratio and blocked > _BLOCKED_OF_BUSY * (blocked + busy)
    turns_s = figures.blocked_lag_s(e) * figures.turns(e)
    explains_s = figures.blocked_s_per_request(e) + turns_s + figures.pool_wait_from(e, turns_s)
    bad = often and lag_s > _BLOCKED_LAG_S and cpu < _BLOCKED_CPU_MOST
    return look.judged(e, Case(bad=bad, because=because + (where if bad else ""), advice=advice, explains_s=explains_s))


def workers_have_cpu(e: Evidence) -> Finding:
    """A worker out of CPU holds its connections longer, so the pool waits too: look here before blaming the pool."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Bottleneck.WORKER_CPU)
    utilization, cores = figures.utilization(e), figures.cores_per_worker(e)
    # Of the lag only what blocked loops do not make: CPU does not unblock them.
    lag_s = max(0.0, e.seen[Signal.LOOP_LAG_MEAN_S] - figures.blocked_lag_s(e))
    because = f"workers use {utilization:.0%} of the CPU that they may use ({cores:.2f} cores each)"
    late = lag_s > _LAG_SHARE * e.policy.objective.latency_s
    if late:
        because += f", and what is ready waits {milliseconds(lag_s)} for its turn"
    queue_s = max(figures.cpu_queue_s(e), lag_s * figures.turns(e))
    # Response building on a busy worker lengthens the holds: no more than they are longer than their queries.
    held_s, asking_s = figures.hold_s(e), figures.in_queries_s(e)
    longer_s = 0.0 if held_s is None or asking_s is None else max(0.0, min(held_s - asking_s, _residence_s(e)))
    room = e.workload.cpu_limit_cores is None or math.ceil(e.workload.cpu_limit_cores) > e.here.workers
    advice = (
        "more workers in a pod, whose CPU limit leaves room, each with a smaller pool" if room else "more replicas, or a higher CPU limit"
    )
    explains_s = queue_s + figures.pool_wait_from(e, longer_s)
    bad = utilization >= _CPU_UTILIZATION or late
    return look.judged(e, Case(bad=bad, limit=utilization >= _CPU_UTILIZATION, because=because, advice=advice, explains_s=explains_s))


def _residence_s(e: Evidence) -> float:
    return (figures.per_request(e, e.seen[Signal.CPU_CORES]) or 0.0) + figures.cpu_queue_s(e)


def workers_fit_the_cpu(e: Evidence) -> Finding:
    """A worker without a core of its own adds memory, a pool and switches, but no speed; only blocked loops are served by more."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Remark.WORKERS_EXCEED_CPU)
    limit = e.workload.cpu_limit_cores
    if limit is None:
        return look.fine("the container has no CPU limit")
    because = f"{e.here.workers} workers share {limit:g} cores"
    blocked = e.seen[Signal.LOOP_BLOCKED_RATIO] > e.policy.objective.slow_ratio
    if blocked:
        because += ", which helps while their loops stand blocked"
    advice = f"{max(1, math.ceil(limit))} workers, and more replicas if they are not enough"
    return look.judged(e, Case(bad=e.here.workers > max(1, math.ceil(limit)) and not blocked, because=because, advice=advice))


def workers_fit_the_memory(e: Evidence) -> Finding:
    """A pod that meets its memory limit is killed with all its workers."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Bottleneck.MEMORY_LIMITS_WORKERS)
    limit, worker, pod = e.workload.memory_limit_bytes, e.seen.get(Signal.WORKER_RSS_MAX_BYTES), e.seen.get(Signal.POD_RSS_MAX_BYTES)
    if limit is None:
        return look.fine("the container has no memory limit")
    if worker is None and pod is None:
        return look.unknown("the memory of workers is not reported")
    used = pod if pod is not None else (worker or 0.0) * e.here.workers
    one = worker if worker is not None else used / e.here.workers
    # What workers share counts once for each of them, so this errs to the full side: a warning while the objective is met.
    full = used >= _MEMORY_MOST * limit
    because = f"{e.here.workers} workers use {used / _MIB:.0f} MiB of {limit / _MIB:.0f} MiB, {one / _MIB:.0f} MiB the largest"
    room = used + one <= _MEMORY_MOST * limit
    wanted = figures.utilization(e) >= _CPU_UTILIZATION or e.seen[Signal.LOOP_BLOCKED_RATIO] > e.policy.objective.slow_ratio
    if not room:
        because += "; another one does not fit"
    advice = (
        "raise resources.limits.memory, or run fewer workers on more replicas; load large objects before the workers fork, to share them"
    )
    return look.judged(e, Case(bad=full or (wanted and not room), limit=full and e.missed, because=because, advice=advice, explains_s=0.0))


def background_work_is_small(e: Evidence) -> Finding:
    """Work after the response keeps the loop that the next request waits for."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Bottleneck.BACKGROUND_WORK_IN_PROCESS)
    background_s = e.seen.get(Signal.BACKGROUND_MEAN_S)
    if background_s is None:
        return look.unknown("background tasks are not reported")
    at_once = background_s * e.seen[Signal.REQUESTS_RPS]
    a_worker = at_once / e.seen[Signal.WORKERS_ALIVE]
    because = f"background tasks take {milliseconds(background_s)} a request, {a_worker:.1f} run in a worker at any time"
    # The loop is shared by all that is under way, so the lag is charged to tasks and requests as they are many.
    inside = at_once + e.seen[Signal.REQUESTS_RPS] * figures.mean_s(e)
    lag_s = e.seen[Signal.LOOP_LAG_MEAN_S] * figures.turns(e) * (at_once / inside if inside else 0.0)
    advice = "hand long work to a queue with workers of its own (arq, Celery, a Job): a rollout or a crash loses what runs here"
    return look.judged(e, Case(bad=a_worker >= _BACKGROUND_MOST, because=because, advice=advice, explains_s=lag_s))
