"""What it takes to build and send a response."""

from collections.abc import Callable, Sequence

from apituner.core.checks.figures import mean_s
from apituner.core.checks.judging import Case, Look, worst_routes
from apituner.core.evidence import Evidence, milliseconds
from apituner.core.finding import Bottleneck, Check, Finding
from apituner.core.snapshot import RouteSignal, Signal

# A fifth of the latency, and more than a page of some hundred rows takes (FastAPI's own part of a request is some 1.2 ms of CPU).
_RATIO = 0.2
_LEAST_S = 0.005


def responses_are_light(e: Evidence) -> Finding:
    """To validate and to write a response is CPU on the loop, during which nobody else is served."""
    look = Look(check=Check.PAYLOAD_AND_SERIALIZATION, reason=Bottleneck.SERIALIZATION_HEAVY)
    serialization_s = e.seen.get(Signal.SERIALIZATION_MEAN_S)
    if serialization_s is None:
        return look.unknown("how long responses take to build is not reported")
    because = f"a response takes {milliseconds(serialization_s)} of {milliseconds(mean_s(e))} to validate and write"
    if (size := e.seen.get(Signal.RESPONSE_MEAN_BYTES)) is not None:
        because += f", {size / 1024:.1f} KiB on average"
    where = worst_routes(e, RouteSignal.SERIALIZATION_MEAN_S, "ms", least=_LEAST_S)
    advice = (
        f"return less{where}: a narrower response_model, pages instead of lists, or a Response made of bytes where the data are known to "
        "be valid; a larger pool or database does nothing for it"
    )
    bad = serialization_s >= max(_LEAST_S, _RATIO * mean_s(e))
    return look.judged(e, Case(bad=bad, because=because + (where if bad else ""), advice=advice, explains_s=serialization_s))


CHECKS: Sequence[Callable[[Evidence], Finding]] = (responses_are_light,)
