"""From the numbers of a check to its finding."""

from dataclasses import dataclass

from apituner.core.checks.figures import mean_s
from apituner.core.evidence import Evidence
from apituner.core.finding import Bottleneck, Check, Finding, Remark, Verdict
from apituner.core.snapshot import RouteSignal
from apituner.core.trust import INSTRUMENT

# What explains less than a tenth is within the error of any estimate here (queueing formulas against a running FastAPI: 0 to 15 %).
_LEAST_EXPLAINED = 0.1
_ROUTES_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a check looks for."""

    check: Check
    reason: Bottleneck | Remark

    def unknown(self, because: str, adds: str = f"add `{INSTRUMENT}` to the API") -> Finding:
        """Say that its signals are absent, and what adds them."""
        return Finding(check=self.check, reason=self.reason, verdict=Verdict.UNKNOWN, because=because, advice=adds)

    def fine(self, because: str, explains_ratio: float | None = None) -> Finding:
        """Say that nothing is wrong there."""
        return Finding(check=self.check, reason=self.reason, verdict=Verdict.PASS, because=because, explains_ratio=explains_ratio)

    def judged(self, e: Evidence, case: "Case") -> Finding:
        """
        Judge by what it explains.

        A limit without headroom fails whatever the latency is; all else only where the objective is missed and it has its share in that.
        """
        explains = None if case.explains_s is None else share(e, case.explains_s)
        if not case.bad:
            return self.fine(case.because, explains)
        failing = case.limit or (e.missed and explains is not None and explains >= _LEAST_EXPLAINED)
        return Finding(
            check=self.check,
            reason=self.reason,
            verdict=Verdict.FAIL if failing else Verdict.WARN,
            because=case.because,
            advice=case.advice,
            explains_ratio=explains,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a check found, before it is judged."""

    bad: bool
    because: str
    advice: str = ""
    explains_s: float | None = None
    """Of the mean latency; None where that cannot be told."""
    limit: bool = False
    """Whether it is a limit of capacity whose headroom is gone."""


def share(e: Evidence, seconds: float) -> float:
    """Return the share of the mean latency that *seconds* of it are."""
    mean = mean_s(e)
    return min(1.0, seconds / mean) if mean > 0 else 0.0


def worst_routes(e: Evidence, signal: RouteSignal, unit: str, least: float = 0.0) -> str:
    """Name the routes with the largest figures above *least*: `` on /orders (21 queries)``; empty where none is known."""
    known = [(figures[signal], route) for route, figures in e.seen.routes.items() if figures.get(signal, 0.0) > least]
    worst = sorted(known, key=lambda pair: (-pair[0], pair[1]))[:_ROUTES_NAMED]
    return f" on {', '.join(f'{route} ({_figure(value, unit)})' for value, route in worst)}" if worst else ""


def _figure(value: float, unit: str) -> str:
    match unit:
        case "%":
            return f"{value:.0%}"
        case "ms":
            return f"{value * 1e3:.0f} ms"
        case _:
            return f"{value:.0f} {unit}"
