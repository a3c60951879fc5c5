"""What was seen is not acted on while anything about it is missing, partial or contradictory."""

import math
from dataclasses import replace
from typing import Any

import pytest

from apituner.core.configuration import Knob
from apituner.core.policy import Bounds, Objective
from apituner.core.snapshot import Absence, RouteSignal, Signal, Snapshot, Unobserved
from apituner.core.trust import gap
from builders import a_policy, a_snapshot, a_workload

REPLICAS_ONLY = {Knob.REPLICAS: Bounds(least=2, most=12)}
OF_ANY_API = [
    Signal.REQUESTS_RPS,
    Signal.LATENCY_MEAN_S,
    Signal.LATENCY_OBJECTIVE_S,
    Signal.OVER_OBJECTIVE_RATIO,
    Signal.ERRORS_RATIO,
    Signal.CPU_CORES,
    Signal.LOOP_CPU_CORES,
    Signal.LOOP_LAG_MEAN_S,
    Signal.LOOP_LAG_P99_S,
    Signal.LOOP_BLOCKED_RATIO,
    Signal.WORKERS_ALIVE,
]
OF_A_POOL = [
    Signal.POOL_WAIT_MEAN_S,
    Signal.POOL_HOLD_MEAN_S,
    Signal.POOL_ACQUISITIONS_RPS,
    Signal.POOL_LIMIT,
    Signal.POOL_TIMEOUTS_RPS,
    Signal.POOL_OVERFLOW,
]


def reason(seen: Snapshot | Unobserved, **policy: Any) -> str | None:  # noqa: ANN401 - any field of a Policy
    """Return the reason of the gap in *seen*, None where there is none."""
    found = gap(seen, a_workload(), a_policy(**policy))
    return None if found is None else found.reason


def test_a_whole_picture_has_no_gap() -> None:
    """The snapshot that all tests start from may be acted on."""
    assert reason(a_snapshot()) is None


@pytest.mark.parametrize("signal", [*OF_ANY_API, *OF_A_POOL])
@pytest.mark.parametrize("absence", [Absence.STALE, Absence.NOT_A_NUMBER, Absence.PARTIAL_COVERAGE])
def test_p1_each_needed_signal_is_missed_by_its_name(signal: Signal, absence: Absence) -> None:
    """One signal short, the others say nothing; the sentence names it and why it is absent."""
    found = gap(a_snapshot(absent={signal: absence}), a_workload(), a_policy())

    assert found is not None
    assert found.reason == "SignalsMissing"
    assert f"{signal} ({absence})" in found.because
    assert "instrument" in found.because


@pytest.mark.parametrize("signal", OF_A_POOL)
def test_an_api_without_a_pool_needs_no_signals_of_one(signal: Signal) -> None:
    """What no knob and no budget asks for may be absent."""
    assert reason(a_snapshot(absent={signal: Absence.NO_SERIES}), knobs=REPLICAS_ONLY, connection_limit=None) is None


@pytest.mark.parametrize("signal", [Signal.POOL_LIMIT, Signal.POOL_OVERFLOW])
def test_p2_inside_a_budget_pools_must_be_reported_though_no_knob_names_them(signal: Signal) -> None:
    """Every pod that is added brings its pools along; of what size must be known."""
    assert reason(a_snapshot(absent={signal: Absence.NO_SERIES}), knobs=REPLICAS_ONLY) == "SignalsMissing"
    assert reason(a_snapshot(pool_limit=1), knobs=REPLICAS_ONLY) == "SignalsContradict"


@pytest.mark.parametrize("signal", list(Signal))
@pytest.mark.parametrize("figure", [math.nan, math.inf, -1.0])
def test_p1_what_is_no_figure_is_never_acted_on(signal: Signal, figure: float) -> None:
    """Comparisons with NaN are false, so an unknown latency would pass for a good one: even an optional signal stops everything."""
    assert reason(a_snapshot(**dict[str, Any]({signal: figure}))) == "SignalsContradict"


@pytest.mark.parametrize("signal", [one for one in Signal if one not in (*OF_ANY_API, *OF_A_POOL, Signal.QUERIES_RPS, Signal.QUERY_MEAN_S)])
def test_all_else_may_be_absent(signal: Signal) -> None:
    """Without it a check says that it does not know, and that is all."""
    assert reason(a_snapshot(absent={signal: Absence.NOT_EXPORTED})) is None


@pytest.mark.parametrize("figure", [math.nan, math.inf, -1.0])
def test_p1_what_is_no_figure_of_a_route_or_of_a_short_window_is_never_acted_on(figure: float) -> None:
    """They are optional, but what is told must be possible; ever so many of them make one short sentence."""
    fast = replace(a_snapshot(), fast={Signal.CPU_CORES: figure}, fast_window_s=30)
    routes = replace(a_snapshot(), routes={f"/{number}": {RouteSignal.REQUESTS_RPS: figure} for number in range(100)})

    assert [reason(fast), reason(routes)] == ["SignalsContradict"] * 2
    found = gap(routes, a_workload(), a_policy())
    assert found is not None
    assert len(found.because) < 300
    assert reason(replace(a_snapshot(), fast={Signal.CPU_CORES: 0.0}, routes={"/": {RouteSignal.REQUESTS_RPS: 0.0}})) is None


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(a_snapshot(absent={Signal.LATENCY_MEAN_S: Absence.NO_TRAFFIC}), id="no mean of nothing"),
        pytest.param(a_snapshot(requests_rps=0), id="nought requests"),
    ],
)
def test_p1_without_traffic_nothing_is_concluded(seen: Snapshot) -> None:
    """Silence is neither a good latency nor a reason to shrink."""
    assert reason(seen) == "NoTraffic"


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        pytest.param("PartialCoverage", a_snapshot(pods_reporting=1), id="one of two ready pods is silent"),
        pytest.param("SignalsContradict", a_snapshot(workers_alive=1), id="fewer workers than pods"),
        pytest.param("SignalsContradict", a_snapshot(pool_limit=0), id="pools that may hold nothing"),
        pytest.param("SignalsContradict", a_snapshot(pool_limit=1), id="an engine of two does not report"),
        pytest.param(None, a_snapshot(pool_limit=2), id="one connection each is a pool"),
        pytest.param(None, a_snapshot(pods_reporting=3, workers_alive=3), id="a pod too many reports"),
    ],
)
def test_p1_partial_and_contradictory_figures(expected: str | None, seen: Snapshot) -> None:
    """The silent pod could be the busy one."""
    assert expected == reason(seen)


def test_nothing_ready_and_nothing_reporting_is_a_contradiction() -> None:
    """No pod at all is covered completely, and yet says nothing."""
    found = gap(a_snapshot(pods_reporting=0), a_workload(ready_replicas=0), a_policy())

    assert found is not None
    assert found.reason == "SignalsContradict"


@pytest.mark.parametrize(
    ("expected", "requests_rps", "percentile"),
    [
        pytest.param(None, 100 / 60, 95, id="a hundred requests tell p95"),
        pytest.param("TooFewRequests", 99 / 60, 95, id="ninety-nine do not"),
        pytest.param(None, 501 / 60, 99, id="five hundred tell p99"),
        pytest.param("TooFewRequests", 499 / 60, 99, id="one fewer does not"),
    ],
)
def test_requests_suffice(expected: str | None, requests_rps: float, percentile: float) -> None:
    """At least five requests must lie beyond the percentile."""
    objective = Objective(percentile=percentile, latency_s=0.25, error_ratio=0.01)

    assert expected == reason(a_snapshot(requests_rps=requests_rps), objective=objective)


def test_what_could_not_be_observed_keeps_its_own_reason() -> None:
    """Prometheus down is told as such."""
    assert reason(Unobserved(reason=Absence.UNREACHABLE, because="connection refused")) == "Unreachable"


def test_missing_tells_what_is_absent_in_the_order_asked() -> None:
    """A zero is there; an absent figure is None, never zero."""
    seen = replace(a_snapshot(requests_rps=0), readings={Signal.REQUESTS_RPS: 0.0})

    assert seen.missing(Signal.CPU_CORES, Signal.REQUESTS_RPS, Signal.ERRORS_RATIO) == (Signal.CPU_CORES, Signal.ERRORS_RATIO)
    assert (seen.get(Signal.REQUESTS_RPS), seen.get(Signal.CPU_CORES)) == (0.0, None)
