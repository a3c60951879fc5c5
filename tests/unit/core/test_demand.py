"""From busy time and completions to what one request asks of every station."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies  # noqa: F401 - sets the profile of the properties
from apituner.core.configuration import Configuration, Knob
from apituner.core.demand import ServiceDemand, configured, in_force, lead, service_demand
from apituner.core.estimation.estimates import Estimates
from apituner.core.laws import residence_s
from apituner.core.policy import Bounds
from apituner.core.snapshot import Absence, Signal, Snapshot
from apituner.core.workload import SettingName, SettingSource
from builders import NOON, a_configuration, a_policy, a_setting, a_snapshot, a_workload


def demand_of(seen: Snapshot) -> ServiceDemand:
    """Return the demand of the starved API as *seen*."""
    return service_demand(seen, a_configuration(), a_policy())


def test_the_starved_api() -> None:
    """90 requests per second, 0.4 cores, 40 ms holds, and 31.5 callers in the queue that a minute has to work off."""
    found = demand_of(a_snapshot())

    assert pytest.approx(found.arrivals_rps) == 90 + 90 * 0.35 / 60
    assert pytest.approx((found.cpu_s, found.loop_s)) == (0.4 / 90, 0.36 / 90)
    assert pytest.approx((found.acquisitions, found.hold_s)) == (1.0, 0.04)
    assert 0.4 - 0.35 - residence_s(0.004, 0.18) == pytest.approx(found.elsewhere_s)


def test_an_api_without_a_pool_takes_nothing_from_one() -> None:
    """Figures of a pool that no knob names do not enter."""
    policy = a_policy(knobs={Knob.REPLICAS: Bounds(least=1, most=9)})
    found = service_demand(a_snapshot(absent={Signal.POOL_LIMIT: Absence.NO_SERIES}), a_configuration(), policy)

    assert (found.acquisitions, found.hold_s, found.arrivals_rps) == (0.0, 0.0, 90.0)


def test_time_elsewhere_is_never_negative() -> None:
    """Where wait and loop explain more than all of the latency, nothing is left, not less than nothing."""
    assert demand_of(a_snapshot(latency_mean_s=0.1)).elsewhere_s == 0.0


@given(st.floats(0.5, 50))
def test_demand_does_not_depend_on_how_much_comes(factor: float) -> None:
    """The same requests, more of them: one request asks the same of every station."""
    before = demand_of(a_snapshot(loop_cpu_cores=0.36))
    after = demand_of(
        a_snapshot(requests_rps=90 * factor, cpu_cores=0.4 * factor, loop_cpu_cores=0.36 * factor, pool_acquisitions_rps=90 * factor),
    )

    assert (before.cpu_s, before.loop_s, before.acquisitions) == pytest.approx((after.cpu_s, after.loop_s, after.acquisitions))


def test_memory_that_is_not_reported_is_unknown() -> None:
    """Missing is not zero bytes."""
    assert demand_of(a_snapshot(absent={Signal.WORKER_RSS_MAX_BYTES: Absence.NO_SERIES})).worker_bytes is None


@pytest.mark.parametrize(
    ("expected", "engines", "readings"),
    [
        pytest.param(a_configuration(), 1, {}, id="as configured"),
        pytest.param(a_configuration(workers=2, pool_size=5), 1, {"workers_alive": 4, "pool_limit": 20}, id="more workers than configured"),
        pytest.param(a_configuration(pool_size=5, max_overflow=10), 1, {"pool_limit": 30, "pool_overflow": 20}, id="an overflow"),
        pytest.param(a_configuration(pool_size=1, max_overflow=14), 1, {"pool_limit": 30, "pool_overflow": 30}, id="all of it overflow"),
        pytest.param(a_configuration(pool_size=5), 2, {"pool_limit": 20}, id="two engines in every worker"),
    ],
)
def test_in_force_is_what_the_processes_report(expected: Configuration, engines: int, readings: dict[str, Any]) -> None:
    """Variables often do nothing; only the processes know."""
    assert expected == in_force(a_snapshot(**readings), a_workload(), a_policy(engines_per_worker=engines))


def test_in_force_counts_a_pool_that_no_knob_names() -> None:
    """Its connections cost a budget all the same: two pods of ten and five more each."""
    policy = a_policy(knobs={Knob.REPLICAS: Bounds(least=2, most=12)})
    at = a_configuration(pool_size=10, max_overflow=5)

    assert at == in_force(a_snapshot(at), a_workload(settings={}), policy)


def test_in_force_without_a_pool() -> None:
    """An API without a pool reports none."""
    policy = a_policy(knobs={Knob.WORKERS: Bounds(least=1, most=4)})
    seen = a_snapshot(absent={Signal.POOL_LIMIT: Absence.NO_SERIES, Signal.POOL_OVERFLOW: Absence.NO_SERIES})

    assert a_configuration(pool_size=1) == in_force(seen, a_workload(), policy)


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        pytest.param(a_configuration(workers=3, pool_size=7, max_overflow=2), {}, id="nothing said: what is in force"),
        pytest.param(
            a_configuration(workers=3, pool_size=9, max_overflow=2),
            {SettingName.POOL_SIZE: a_setting(9), SettingName.WORKERS: a_setting(None, source=SettingSource.DEFAULT)},
            id="said in part",
        ),
        pytest.param(
            a_configuration(workers=1, pool_size=1, max_overflow=0),
            {SettingName.WORKERS: a_setting(0), SettingName.POOL_SIZE: a_setting(0), SettingName.MAX_OVERFLOW: a_setting(-1)},
            id="numbers that are no configuration",
        ),
    ],
)
def test_configured(expected: Configuration, settings: dict[SettingName, object]) -> None:
    """The template counts where it speaks."""
    effective = a_configuration(workers=3, pool_size=7, max_overflow=2)

    assert expected == configured(a_workload(settings=settings), effective)


def test_who_gave_up_waiting_wanted_a_connection_too() -> None:
    """Time-outs count among the acquisitions, so that a pool is not sized for those who were lucky."""
    found = demand_of(a_snapshot(pool_acquisitions_rps=60, pool_timeouts_rps=30))

    assert found.acquisitions == pytest.approx(1.0)
    assert found.arrivals_rps == pytest.approx(90 + 90 * 0.35 / 60)


def _lived(*readings: Mapping[str, Any]) -> tuple[Snapshot, Estimates]:
    """Return the last of some windows of the starved API, 15 s apart, and what was learnt from all of them."""
    known, workload = Estimates(), a_workload(rolled_out_at=NOON - timedelta(hours=1), template_hash="a")
    windows = [a_snapshot(taken_at=NOON + timedelta(seconds=15 * i), **one) for i, one in enumerate(readings)]
    for seen in windows:
        known = known.seeing(seen, a_configuration(), workload, a_policy())
    return windows[-1], known


def test_one_window_is_the_first_of_all() -> None:
    """Without estimates a demand rests on one window, and says how little that is: its noise, and the luck of 5400 requests."""
    found = demand_of(a_snapshot())

    assert found.windows == 1
    assert found.relative_error == pytest.approx((0.1**2 + 1 / 5400) ** 0.5)


def test_estimates_say_more_than_the_last_window() -> None:
    """An outlier moves nothing, and twenty windows are known better than one."""
    seen, known = _lived(*[{}] * 20, {"cpu_cores": 2.0, "pool_hold_mean_s": 0.2, "query_mean_s": 0.2})
    found = service_demand(seen, a_configuration(), a_policy(), known)

    assert (found.cpu_s, found.hold_s, found.query_s) == pytest.approx((0.4 / 90, 0.04, 0.035))
    assert found.windows == 20
    assert found.relative_error < 0.07


def test_while_another_program_has_shown_nothing_the_last_window_counts() -> None:
    """After a release the demands begin with what is seen; the load is still known."""
    seen, known = _lived(*[{}] * 20)
    known = replace(known, demands=Estimates().demands)
    found = service_demand(seen, a_configuration(), a_policy(), known)

    assert found.windows == 1
    assert found.cpu_s == pytest.approx(0.4 / 90)


def test_figures_that_were_never_seen_are_part_of_the_time_elsewhere() -> None:
    """Without calls to others, statements or a pod's memory in sight, nothing is made up."""
    found = demand_of(a_snapshot(absent=dict.fromkeys((Signal.QUERIES_RPS, Signal.QUERY_MEAN_S), Absence.NO_SERIES)))

    assert (found.queries, found.query_s, found.external_s, found.pod_base_bytes, found.curve) == (0.0, 0.0, 0.0, 0.0, None)
    assert found.elsewhere_s > 0


@pytest.mark.parametrize(
    "missing", [Signal.POOL_WAIT_MEAN_S, Signal.POOL_ACQUISITIONS_RPS, Signal.POOL_HOLD_MEAN_S, Signal.LOOP_BLOCKED_RATIO]
)
def test_a_signal_that_is_missing_breaks_nothing(missing: Signal) -> None:
    """What it would have told is unknown, and its time is part of that elsewhere."""
    found = demand_of(a_snapshot(absent={missing: Absence.NO_SERIES}))

    assert found.cpu_s == pytest.approx(0.4 / 90)
    assert found.elsewhere_s >= demand_of(a_snapshot()).elsewhere_s


def test_calls_and_statements_are_counted_by_request() -> None:
    """Half a call of 100 ms and two statements in each request; no call at all takes no time, although nobody knows the mean of none."""
    found = demand_of(a_snapshot(external_rps=45, external_mean_s=0.1, queries_rps=180))

    assert (found.external_s, found.queries, found.query_s) == pytest.approx((0.05, 2.0, 0.035))
    assert demand_of(a_snapshot(external_rps=0, absent={Signal.EXTERNAL_MEAN_S: Absence.NO_TRAFFIC})).external_s == 0.0


def test_a_loop_that_stands_still_is_busy_without_cpu() -> None:
    """Two loops that stand still a fifth of the time: 4.4 ms of each of 90 requests per second, on top of their CPU and not elsewhere."""
    found = demand_of(a_snapshot(loop_blocked_ratio=0.2))

    assert found.blocked_s == pytest.approx(0.2 * 2 / 90)
    assert found.loop_s == pytest.approx(0.36 / 90)
    assert found.elsewhere_s == pytest.approx(0.4 - 0.35 - residence_s(0.004 + 0.4 / 90, 0.38))


def test_the_shorter_window_counts_for_more_only() -> None:
    """A step is seen sooner by it; a lull is not believed before the minute is over."""
    more, less = (replace(a_snapshot(), fast={Signal.REQUESTS_RPS: rps}) for rps in (150.0, 20.0))

    assert demand_of(more).arrivals_rps == pytest.approx(150 + 90 * 0.35 / 60)
    assert demand_of(less).arrivals_rps == demand_of(a_snapshot()).arrivals_rps


def test_an_overload_that_completes_less_is_not_asked_for_less() -> None:
    """90 per second came, 60 are completed while as many are inside as before: 90 are to be served, and what piled up."""
    seen, known = _lived({}, {"requests_rps": 60.0, "pool_acquisitions_rps": 60.0})
    found = service_demand(seen, a_configuration(), a_policy(), known)

    assert found.arrivals_rps == pytest.approx(90 + 60 * 0.35 / 60)


def test_the_knee_comes_with_the_demand() -> None:
    """Once the database was seen past it."""
    readings = [
        {"queries_rps": 100.0, "db_active": n, "query_mean_s": 0.02 * (1 + 0.03 * (n - 1) + 0.002 * n * (n - 1))}
        for n in (2, 4, 8, 12, 16, 20, 24, 30, 40, 2, 8, 16, 30, 40)
    ]
    seen, known = _lived(*readings)
    found = service_demand(seen, a_configuration(), a_policy(), known)

    assert found.curve is not None
    assert found.curve.knee == pytest.approx(22.02, rel=0.02)
    assert found.others_running == pytest.approx(40 - 100 * 0.02 * (1 + 0.03 * 39 + 0.002 * 40 * 39))


def test_the_lead_looks_ahead_for_growing_only() -> None:
    """One request per second more each second is drawn out; less is not; of nothing seen nothing is said."""
    rising, falling = ([{"requests_rps": 90.0 + 15 * i} for i in order] for order in ((0, 1, 2, 3, 4), (4, 3, 2, 1, 0)))
    healthy = {"over_objective_ratio": 0.0}

    for expected, windows in ((150 + 60 + 30, rising), (90, falling)):
        seen, known = _lived(*[one | healthy for one in windows])
        assert lead(known, seen.taken_at, 60) == pytest.approx(expected)
    assert lead(Estimates(), NOON, 60) is None
