"""
What limits the API: everything that was looked at, in the order in which an experienced engineer looks, and the one cause of the latency.

Two orders, for two questions. Findings are *listed* as one looks: database access, external calls, payload, pools and workers, framework
(`apituner.core.checks.order`). The bottleneck is *named* by cause and effect, the order of `Bottleneck`: a pool that waits, an idle CPU or
a long hold may be the symptom of something that is looked at later, so the place in the list decides nothing. Where the two agree, as
between a database and its pool, they are the same fact told twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from apituner.core.checks.order import CHECKS
from apituner.core.evidence import Budget, Evidence, caller_latency_s, met_because, missed_because
from apituner.core.finding import Bottleneck, Check, Finding, Remark, Verdict
from apituner.core.moves import MOVES, Move, moves, permits

__all__ = [
    "CHECKS",
    "MOVES",
    "TUNABLE",
    "Bottleneck",
    "Budget",
    "Check",
    "Diagnosis",
    "Evidence",
    "Finding",
    "Move",
    "Remark",
    "Verdict",
    "caller_latency_s",
    "diagnose",
    "missed_because",
    "moves",
    "permits",
]

TUNABLE = frozenset({Bottleneck.WORKER_CPU, Bottleneck.POOL_STARVED})
"""Bottlenecks that replicas, workers and pool can cure on their own; `MOVES` has the rest."""

_CAUSES = tuple(Bottleneck)
# They are named before all: pods that fail and a database out of connections make every other figure worthless.
_BEFORE_ALL = (Bottleneck.POD_FAILURE, Bottleneck.CONNECTION_BUDGET)
# Named though the objective is met, where most of the latency is made of it: tuning would only hide it until it costs the objective.
_DEFECTS = (Bottleneck.N_PLUS_ONE,)
_MOST_OF_IT = 0.5
# A cause counts beside another one that explains up to twice as much: estimates of shares are no better than that, and waits overlap.
_AS_GOOD_AS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The bottleneck, why, and everything that was looked at."""

    bottleneck: Bottleneck
    because: str
    findings: tuple[Finding, ...] = ()

    @property
    def advice(self) -> str:
        """What a developer can do about the bottleneck; empty where there is none to name."""
        return next((finding.advice for finding in self.findings if finding.reason is self.bottleneck), "")


def diagnose(evidence: Evidence) -> Diagnosis:
    """Look at everything, and name the first cause that explains the latency; *evidence* must have no gap."""
    findings = tuple(check(evidence) for check in CHECKS)
    missed = missed_because(evidence.seen, evidence.policy)
    named = _met(findings) if missed is None else _missed(findings)
    told = missed or met_because(evidence.seen, evidence.policy)
    if named is not None:
        because = f"{told}: {named.because}" if missed else f"{told}, but: {named.because}"
        return Diagnosis(bottleneck=Bottleneck(named.reason), because=because, findings=findings)
    if missed is None:
        return Diagnosis(bottleneck=Bottleneck.NOTHING_WRONG, because=told, findings=findings)
    return Diagnosis(bottleneck=Bottleneck.UNKNOWN, because=f"{told}; none of the checks explains it", findings=findings)


def _missed(findings: Iterable[Finding]) -> Finding | None:
    """
    Return the first cause that explains the latency: at least half as much of it as whatever explains most.

    A limit without headroom that explains next to nothing does not hide what does; without any share to compare, the first cause counts.
    """
    failing = _by_cause(findings, Verdict.FAIL)
    most = max((one.explains_ratio or 0.0 for one in failing), default=0.0)

    def explains(one: Finding) -> bool:
        return one.reason in _BEFORE_ALL or one.explains_ratio is None or one.explains_ratio >= _AS_GOOD_AS * most

    return next(filter(explains, failing), None)


def _met(findings: Iterable[Finding]) -> Finding | None:
    """Return what is worth a name though the objective is met: a limit without headroom, clear slack, a defect of the code."""
    findings = tuple(findings)
    if failing := _by_cause(findings, Verdict.FAIL):
        return failing[0]
    warned = _by_cause(findings, Verdict.WARN)
    if slack := [one for one in warned if one.reason is Bottleneck.OVERPROVISIONED]:
        return slack[0]
    return next((one for one in warned if one.reason in _DEFECTS and (one.explains_ratio or 0.0) >= _MOST_OF_IT), None)


def _by_cause(findings: Iterable[Finding], verdict: Verdict) -> list[Finding]:
    found = [one for one in findings if one.verdict is verdict and isinstance(one.reason, Bottleneck)]
    return sorted(found, key=lambda one: _CAUSES.index(Bottleneck(one.reason)))
