"""From busy time and completions to what one request asks of every station."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies  # noqa: F401 - sets the profile of the properties
from apituner.core.configuration import Configuration, Knob
from apituner.core.demand import ServiceDemand, configured, in_force, service_demand
from apituner.core.laws import residence_s
from apituner.core.policy import Bounds
from apituner.core.snapshot import Absence, Signal, Snapshot
from apituner.core.workload import SettingName, SettingSource
from builders import a_configuration, a_policy, a_setting, a_snapshot, a_workload


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
