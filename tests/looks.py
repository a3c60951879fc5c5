"""One check at a time: made-up evidence about the API of the stories, and what the check finds."""

from dataclasses import replace
from typing import Any

from apituner.core.configuration import Configuration
from apituner.core.diagnosis import Bottleneck, Evidence, Finding, Remark, Verdict, diagnose
from apituner.core.snapshot import Absence, RouteSignal, Signal
from apituner.core.workload import Workload
from builders import HEALTHY, a_configuration, a_policy, a_snapshot, a_workload

MIB = 2**20

WIDE = a_configuration(pool_size=10)

# The same API with a pool that suffices, and a mean of 200 ms of which nothing is known.
ROOMY: dict[str, Any] = {"pool_wait_mean_s": 0.0, "latency_mean_s": 0.198}

MET: dict[str, Any] = {**HEALTHY, "latency_mean_s": 0.098}


def looked(  # noqa: PLR0913 - one argument for each part of the evidence
    reason: Bottleneck | Remark,
    readings: dict[str, Any] | None = None,
    *,
    at: Configuration = WIDE,
    absent: tuple[Signal, ...] = (),
    routes: dict[str, dict[RouteSignal, float]] | None = None,
    workload: dict[str, Any] | None = None,
    policy: dict[str, Any] | None = None,
    **evidence: Any,  # noqa: ANN401 - any field of the evidence
) -> Finding:
    """Return what one check finds of the API of the stories."""
    seen = a_snapshot(at, absent=dict.fromkeys(absent, Absence.NO_SERIES), **(ROOMY | (readings or {})))
    work: Workload = a_workload(at, **(workload or {}))
    whole = Evidence(
        seen=replace(seen, routes=routes or {}),
        here=at,
        workload=work,
        policy=a_policy(**(policy or {})),
        **({"query_floor_s": 0.035} | evidence),
    )
    return next(one for one in diagnose(whole).findings if one.reason is reason)


PASS, WARN, FAIL, UNKNOWN = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN
