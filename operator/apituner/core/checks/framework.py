"""What is left when everything else has been looked at: only then may it be the framework."""

from collections.abc import Callable, Sequence

from apituner.core.checks import figures
from apituner.core.checks.judging import Case, Look
from apituner.core.evidence import Evidence, milliseconds
from apituner.core.finding import Check, Finding, Remark
from apituner.core.snapshot import Signal

# A model that leaves more than this open is not to be acted on (control theory's limit of the residual).
_UNEXPLAINED_RATIO = 0.3


def latency_is_explained(e: Evidence) -> Finding:
    """Middleware, dependencies, garbage collection and sleeping code show nowhere else."""
    look = Look(check=Check.FRAMEWORK, reason=Remark.UNEXPLAINED)
    parts = (figures.in_queries_s(e), figures.pool_wait_s(e), figures.external_s(e))
    if any(part is None for part in parts):
        return look.unknown("queries, pools and calls to others must all be reported to tell what is left")
    cpu_s = (figures.per_request(e, e.seen[Signal.CPU_CORES]) or 0.0) + figures.cpu_queue_s(e)
    known_s = sum(part for part in parts if part is not None) + cpu_s + figures.blocked_s_per_request(e) + e.seen[Signal.LOOP_LAG_MEAN_S]
    left_s = max(0.0, figures.mean_s(e) - known_s)
    because = f"{milliseconds(left_s)} of {milliseconds(figures.mean_s(e))} are in nothing that is measured"
    advice = (
        "profile a worker (py-spy record -p) and look at middleware, dependencies, locks and sleeps in the code: they are neither queries, "
        "calls, connections nor CPU"
    )
    bad = left_s > _UNEXPLAINED_RATIO * figures.mean_s(e)
    return look.judged(e, Case(bad=bad, because=because, advice=advice, explains_s=left_s))


CHECKS: Sequence[Callable[[Evidence], Finding]] = (latency_is_explained,)
