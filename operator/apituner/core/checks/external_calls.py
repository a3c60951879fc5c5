"""Calls to other services: how long they take, what is held meanwhile, and whether they ever end."""

from collections.abc import Callable, Sequence

from apituner.core.checks import figures
from apituner.core.checks.judging import Case, Look, worst_routes
from apituner.core.evidence import Evidence, milliseconds
from apituner.core.finding import Bottleneck, Check, Finding, Remark
from apituner.core.snapshot import RouteSignal, Signal

_NOT_TOLD = "calls to other services are not reported"
# Most of the latency is somebody else's.
_EXTERNAL_RATIO = 0.5
# A tenth of the hold, and more than a call to a neighbour takes that could not be moved anyway.
_HELD_RATIO = 0.1
_HELD_S = 0.005


def calls_hold_no_connection(e: Evidence) -> Finding:
    """A slow neighbour empties the pool through every connection that waits for it."""
    look = Look(check=Check.EXTERNAL_CALLS, reason=Bottleneck.EXTERNAL_INSIDE_TRANSACTION)
    during_s, held_s = figures.external_held_s(e), figures.hold_s(e)
    if during_s is None:
        return look.unknown(_NOT_TOLD if e.seen.get(Signal.EXTERNAL_RPS) is None else "whether calls hold a connection is not reported")
    because = f"a request holds a connection during {milliseconds(during_s)} of calls to other services"
    if held_s is not None:
        because += f", of {milliseconds(held_s)} that it holds one"
    where = worst_routes(e, RouteSignal.EXTERNAL_IN_TRANSACTION_RATIO, "%")
    advice = f"give the connection back before the call{where}: commit and leave the session, call, and open another one for the result"
    bad = during_s >= max(_HELD_S, _HELD_RATIO * (held_s or 0.0))
    explains_s = figures.pool_wait_from(e, during_s)
    return look.judged(e, Case(bad=bad, because=because + (where if bad else ""), advice=advice, explains_s=explains_s))


def others_are_fast(e: Evidence) -> Finding:
    """No knob makes another service faster."""
    look = Look(check=Check.EXTERNAL_CALLS, reason=Bottleneck.EXTERNAL_SLOW)
    external_s, mean_s = figures.external_s(e), figures.mean_s(e)
    if external_s is None:
        return look.unknown(_NOT_TOLD)
    because = f"a request spends {milliseconds(external_s)} of its {milliseconds(mean_s)} in calls to other services"
    advice = (
        f"limit each call in time, well below the objective of {milliseconds(e.policy.objective.latency_s)} (httpx: timeout=...), cache "
        "what seldom changes, make independent calls at once with asyncio.gather, and break the circuit when it stays slow"
    )
    return look.judged(e, Case(bad=external_s > _EXTERNAL_RATIO * mean_s, because=because, advice=advice, explains_s=external_s))


def calls_are_limited_in_time(e: Evidence) -> Finding:
    """One neighbour that never answers takes a worker's connections and memory with it."""
    look = Look(check=Check.EXTERNAL_CALLS, reason=Remark.NO_TIMEOUT)
    unlimited = e.seen.get(Signal.EXTERNAL_WITHOUT_TIMEOUT_RATIO)
    if e.seen.get(Signal.EXTERNAL_RPS) == 0:
        return look.fine("no calls to other services")
    if unlimited is None:
        return look.unknown(_NOT_TOLD)
    because = f"{unlimited:.0%} of the calls to other services have no time limit"
    seconds = max(0.1, 2 * e.policy.objective.latency_s)
    advice = (
        f"give every client a time limit, such as httpx.AsyncClient(timeout={seconds:g}), or use http_client() of apituner.fastapi; "
        "apituning_external_calls_without_timeout_total tells the routes and hosts"
    )
    return look.judged(e, Case(bad=unlimited > 0, because=because, advice=advice))


CHECKS: Sequence[Callable[[Evidence], Finding]] = (
    calls_hold_no_connection,
    others_are_fast,
    calls_are_limited_in_time,
)
