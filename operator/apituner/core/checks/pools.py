"""Connections and threads: how many there may be, how many there are, and who waits for one."""

from apituner.core.checks import figures
from apituner.core.checks.judging import Case, Look
from apituner.core.evidence import Evidence, milliseconds
from apituner.core.finding import Bottleneck, Check, Finding, Remark
from apituner.core.snapshot import Signal

# The last tenth of a database's connections is what a rollout and a person with psql need.
_BUDGET_MOST = 0.9
# A wait that eats a tenth of the objective, at a pool most of which is out.
_WAIT_SHARE = 0.1
_POOL_UTILIZATION = 0.6
# At every other look somebody waits, which nobody does while a thread is free; the threads themselves are caught between two handlers.
_THREADS_AWAITED = 0.5
# More pools than the knee are of use while connections are held for other things than queries, but not for more than half as many again.
_KNEE_HOLDS_MOST = 1.5


def budget_has_room(e: Evidence) -> Finding:
    """A database out of connections takes down all its APIs, so this comes before any of their own troubles."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Bottleneck.CONNECTION_BUDGET)
    said: list[str] = []
    full = tight = False
    used, most = e.seen.get(Signal.DB_CONNECTIONS), e.seen.get(Signal.DB_MAX_CONNECTIONS)
    if used is not None and most is not None:
        # What the server keeps for superusers may be unknown; then all counts as usable, which errs on the side of silence.
        usable = most - (e.seen.get(Signal.DB_RESERVED) or 0)
        full = used >= _BUDGET_MOST * usable
        said.append(f"the database has {used:.0f} of {usable:.0f} connections in use")
    if e.budget is not None:
        full = full or e.budget.free < 0
        said.append(f"{e.budget.granted} of {e.budget.limit} connections of the budget are granted to this API, {e.budget.free} are free")
    limit = e.policy.connection_limit
    if limit is not None and e.seen.get(Signal.POOL_LIMIT) is not None:
        rest = e.here.connections(e.policy.engines_per_worker)
        pods = e.here.replicas + e.workload.strategy.surge(e.here.replicas)
        peak = pods * e.here.connections_per_pod(e.policy.engines_per_worker)
        full, tight = full or rest >= _BUDGET_MOST * limit.connections, peak > limit.connections
        said.append(f"its pools may open {rest} connections, {peak} while a rollout surges, of {limit.connections} ({limit.because})")
    if not said:
        return look.unknown("neither a connection budget nor the database's exporter tells how many connections there may be", adds=_ADDS)
    advice = (
        "lower the pool of whoever holds most and uses least, or raise max_connections (or put pgbouncer before it); until then no API of "
        "this database may grow, and a rollout needs maxSurge: 0"
    )
    return look.judged(e, Case(bad=full or tight, limit=full, because="; ".join(said), advice=advice))


_ADDS = "write a ConnectionBudget for the database, and name it in spec.connectionBudgetRef"


def pools_match_the_load(e: Evidence) -> Finding:
    """Many workers with a tiny pool, or many pools beyond the database."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Remark.POOL_MISMATCH)
    load = figures.offered(e)
    if load is None or e.seen.get(Signal.POOL_LIMIT) is None:
        return look.unknown("pools are not reported", adds=f"{_INSTRUMENTED_ENGINE}")
    pool, required = e.here.pool_limit, figures.pool_required(load)
    total = e.here.connections(e.policy.engines_per_worker)
    because = f"each of {e.here.replicas * e.here.workers} workers may open {pool} connections and needs {required}"
    bad, advice = pool < required, f"a pool of {required} connections for each worker"
    borrowed = e.seen.get(Signal.THREADPOOL_BORROWED)
    threads = 0.0 if borrowed is None else borrowed / e.seen[Signal.WORKERS_ALIVE]
    if threads > pool * e.policy.engines_per_worker:
        bad, because = True, f"{because}; {threads:.0f} threads of a worker run handlers at once, and may all want one"
        advice = "as many connections as threads that want one, or fewer threads: a thread that holds one and asks for another blocks"
    holding = figures.hold_s(e), figures.in_queries_s(e)
    if e.knee is not None and holding[0] is not None and holding[1]:
        useful = e.knee * min(_KNEE_HOLDS_MOST, max(1.0, holding[0] / holding[1]))
        if total > useful:
            bad, because = True, f"{because}; all pools together may open {total}, and the database does most at {useful:.0f}"
            advice = f"at most {useful:.0f} connections in all pools together: what does not fit waits in the pool, where it costs nothing"
    return look.judged(e, Case(bad=bad, because=because, advice=advice))


_INSTRUMENTED_ENGINE = "add `from apituner.fastapi import instrument; instrument(app, engine=engine)` to the API"


def pool_is_not_starved(e: Evidence) -> Finding:
    """Callers queue for a connection while the loop and the database have time."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Bottleneck.POOL_STARVED)
    waited_s, load, limit = figures.pool_wait_s(e), figures.offered(e), e.seen.get(Signal.POOL_LIMIT)
    if waited_s is None or load is None or limit is None:
        return look.unknown("how long connections are waited for, or held, is not reported", adds=_INSTRUMENTED_ENGINE)
    out = load * e.seen[Signal.WORKERS_ALIVE] * e.policy.engines_per_worker
    taken = limit > 0 and out / limit >= _POOL_UTILIZATION
    because = f"a request waits {milliseconds(waited_s)} for a connection, {out:.1f} of {limit:.0f} are out on average"
    if gave_up_rps := e.seen.get(Signal.POOL_TIMEOUTS_RPS):
        because += f", {gave_up_rps:.2g} a second give up"
    held_s, asking_s = figures.hold_s(e), figures.in_queries_s(e)
    if held_s is not None and asking_s is not None:
        because += f"; of {milliseconds(held_s)} that it holds one {milliseconds(asking_s)} are in queries"
    advice = f"a pool of {figures.pool_required(load)} a worker within the connection budget, or connections held for a shorter time"
    bad = taken and (waited_s >= _WAIT_SHARE * e.policy.objective.latency_s or bool(gave_up_rps))
    explains_s = waited_s + (_thread_wait_s(e) or 0.0) * _threads_that_want_connections(e)
    return look.judged(e, Case(bad=bad, limit=True, because=because, advice=advice, explains_s=explains_s))


def threads_suffice(e: Evidence) -> Finding:
    """Handlers written with ``def`` run in a pool of threads, 40 by default; the next one waits."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Bottleneck.THREADPOOL_EXHAUSTED)
    tokens, borrowed = e.seen.get(Signal.THREADPOOL_TOKENS), e.seen.get(Signal.THREADPOOL_BORROWED)
    waiting, waited_s = e.seen.get(Signal.THREADPOOL_WAITING), _thread_wait_s(e)
    if tokens is None or borrowed is None or waiting is None or waited_s is None:
        return look.unknown("the threads of def handlers are not reported")
    because = f"{borrowed:.0f} of {tokens:.0f} threads for def handlers are taken, {waiting:.1f} handlers wait for one"
    advice = (
        "write what only waits as async def, or give each worker more threads at its start: "
        "anyio.to_thread.current_default_thread_limiter().total_tokens = 80; with more of them than connections they wait for these instead"
    )
    bad = waiting >= _THREADS_AWAITED
    explains_s = waited_s * (1 - _threads_that_want_connections(e))
    return look.judged(e, Case(bad=bad, because=because, advice=advice, explains_s=explains_s))


def _thread_wait_s(e: Evidence) -> float | None:
    """Return for how long a request waits for a thread (Little: handlers that wait / requests per second)."""
    return figures.per_request(e, e.seen.get(Signal.THREADPOOL_WAITING))


def _threads_that_want_connections(e: Evidence) -> float:
    """Return the share of the threads' time in which they wait for a connection: then the pool is short, and the threads only show it."""
    busy_s, waited_s = figures.per_request(e, e.seen.get(Signal.THREADPOOL_BORROWED)), figures.pool_wait_s(e)
    return min(1.0, waited_s / busy_s) if busy_s and waited_s is not None else 0.0
