"""Queries and the time they take: looked at first, for what is slow here makes everything behind it look ill."""

from collections.abc import Callable, Sequence

from apituner.core.checks import figures
from apituner.core.checks.judging import Case, Look, worst_routes
from apituner.core.evidence import Evidence, milliseconds
from apituner.core.finding import Bottleneck, Check, Finding, Remark
from apituner.core.snapshot import RouteSignal, Signal

# A database is past its knee with a fifth more queries at once than the knee: the knee itself is known to some 5 % (control theory's fit).
_PAST_KNEE = 1.2
# A query that takes twice its usual time while several run at once waits inside the database.
_SLOWDOWN = 2.0
_AT_ONCE = 2.0
# Ten statements are more than any page needs by design; three times the usual is a release that changed how it reads.
_QUERIES_MOST = 10.0
_QUERIES_JUMP = 3.0
# One statement in ten that is sent while the response is built, and at least one in every other request.
_LAZY_RATIO = 0.1
_LAZY_QUERIES = 0.5
# Held for three times as long as there is a reason for: less is what a session around a request comes to. Under 10 ms it is the code
# between two statements.
_IDLE_RATIO = 2 / 3
_IDLE_S = 0.01


def database_is_not_saturated(e: Evidence) -> Finding:
    """A saturated database makes pools wait and queries slow; more connections make it worse."""
    look = Look(check=Check.DATABASE_ACCESS, reason=Bottleneck.DATABASE_SATURATED)
    query_s, queries_rps = figures.query_s(e), e.seen.get(Signal.QUERIES_RPS)
    if query_s is None or queries_rps is None:
        return look.unknown("query times are not reported")
    if e.query_floor_s is None and e.knee is None:
        return look.unknown("query times are not known long enough to compare", adds="")
    own = queries_rps * query_s
    at_once = max(own, e.seen.get(Signal.DB_ACTIVE) or 0.0)
    because = f"a query takes {milliseconds(query_s)}, {at_once:.1f} run at once"
    crowded = slow = False
    explains_s = None
    if e.query_floor_s is not None:
        because = f"a query takes {milliseconds(query_s)} against {milliseconds(e.query_floor_s)} at best, {at_once:.1f} run at once"
        slow = query_s >= _SLOWDOWN * e.query_floor_s and at_once >= _AT_ONCE
        extra_s = (figures.queries(e) or 0.0) * max(0.0, query_s - e.query_floor_s)
        explains_s = extra_s + figures.pool_wait_from(e, extra_s)
    if e.knee is not None:
        because += f", and beyond {e.knee:.0f} it does less"
        crowded = at_once > _PAST_KNEE * e.knee
    advice = (
        "look at the slowest statements (pg_stat_statements), locks and the database's CPU; more connections would slow it further, "
        "fewer in all pools together let it recover"
    )
    return look.judged(e, Case(bad=slow or crowded, limit=crowded, because=because, advice=advice, explains_s=explains_s))


def queries_are_few(e: Evidence) -> Finding:
    """One statement for each row of a page: no capacity makes up for them."""
    look = Look(check=Check.DATABASE_ACCESS, reason=Bottleneck.N_PLUS_ONE)
    queries, query_s = figures.queries(e), e.seen.get(Signal.QUERY_MEAN_S)
    if queries is None or query_s is None:
        return look.unknown("queries are not reported")
    jumped = e.usual_queries is not None and queries >= _QUERIES_JUMP * max(1.0, e.usual_queries)
    needed = min(queries, max(1.0, e.usual_queries or 1.0) if jumped else 1.0)
    extra_s = (queries - needed) * query_s
    because = f"a request sends {queries:.1f} queries of {milliseconds(query_s)} each"
    if e.usual_queries is not None:
        because += f", {e.usual_queries:.1f} were usual"
    where = worst_routes(e, RouteSignal.QUERIES_PER_REQUEST, "queries", least=min(_QUERIES_MOST, queries) / 2)
    advice = (
        f"load what belongs together in one query{where}: selectinload(...) or joinedload(...) of SQLAlchemy, or WHERE id IN (...); "
        "more pods or connections would only repeat the queries"
    )
    bad = jumped or queries >= _QUERIES_MOST
    explains_s = extra_s + figures.pool_wait_from(e, extra_s)
    return look.judged(e, Case(bad=bad, because=because + (where if bad else ""), advice=advice, explains_s=explains_s))


def nothing_is_loaded_lazily(e: Evidence) -> Finding:
    """Attributes that are read while the response is built send a query each, and nobody sees it in the code."""
    look = Look(check=Check.DATABASE_ACCESS, reason=Remark.LAZY_LOADING)
    ratio, queries = e.seen.get(Signal.QUERIES_IN_SERIALIZATION_RATIO), figures.queries(e)
    lazy_s = figures.times(ratio, figures.in_queries_s(e))
    if ratio is None or queries is None or lazy_s is None:
        return look.unknown("queries sent while a response is built are not told apart")
    because = f"{ratio:.0%} of the queries ({ratio * queries:.1f} in a request) are sent while the response is built"
    where = worst_routes(e, RouteSignal.QUERIES_PER_REQUEST, "queries", least=1.0)
    advice = (
        f"load the attributes of the response model before it is returned{where}: options(selectinload(...)), and raiseload('*') to find "
        "the others; or build a DTO at the boundary"
    )
    bad = ratio >= _LAZY_RATIO and ratio * queries >= _LAZY_QUERIES
    return look.judged(e, Case(bad=bad, because=because, advice=advice, explains_s=lazy_s))


def transactions_are_short(e: Evidence) -> Finding:
    """A connection that is held while nothing is asked of it is one that others wait for."""
    look = Look(check=Check.DATABASE_ACCESS, reason=Bottleneck.LONG_TRANSACTION)
    held_s, asking_s, idle_s = figures.hold_s(e), figures.in_queries_s(e), figures.idle_hold_s(e)
    if held_s is None or asking_s is None or idle_s is None:
        return look.unknown("how long connections are held, or queries take, is not reported")
    because = (
        f"a request holds connections for {milliseconds(held_s)}, {milliseconds(asking_s)} of that in queries and "
        f"{milliseconds(idle_s)} with nothing to be seen that needs them"
    )
    advice = "end the transaction before anything else is awaited: a narrower `async with session`, and no session for the whole request"
    bad = idle_s >= _IDLE_S and idle_s >= _IDLE_RATIO * held_s
    return look.judged(e, Case(bad=bad, because=because, advice=advice, explains_s=figures.pool_wait_from(e, idle_s)))


CHECKS: Sequence[Callable[[Evidence], Finding]] = (
    database_is_not_saturated,
    queries_are_few,
    nothing_is_loaded_lazily,
    transactions_are_short,
)
