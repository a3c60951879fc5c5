"""The model: right at its limits, and monotone, so that the solver may rely on it."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.core.configuration import Configuration
from apituner.core.demand import ServiceDemand
from apituner.core.forecast import Forecast, forecast
from apituner.core.laws import waiting_mean_s
from builders import a_configuration, a_policy
from strategies import configurations, demands

ORDERS = ServiceDemand(arrivals_rps=90, cpu_s=0.004, loop_s=0.004, acquisitions=1, hold_s=0.04, elsewhere_s=0.04, worker_bytes=None)


def of(there: Configuration, demand: ServiceDemand = ORDERS, cores: float | None = 1.0) -> Forecast:
    """Forecast *there* from the starved configuration."""
    return forecast(there, a_configuration(), demand, a_policy(), cores)


def test_every_worker_is_a_queue_of_its_own() -> None:
    """Two pods of 45 requests per second each: 1.8 erlangs at a pool of 4, not 3.6 at one of 8."""
    found = of(a_configuration(pool_size=4))

    assert waiting_mean_s(1.8, 4, 0.04) == pytest.approx(found.pool_wait_s)
    assert pytest.approx((found.loop_utilization, found.cpu_utilization, found.pool_utilization)) == (0.18, 0.18, 1.8 / 4)
    assert (found.connections, found.connections_at_peak) == (8, 2 * (2 + 4))


def test_a_saturated_pool_has_no_latency_to_speak_of() -> None:
    """1.8 erlangs at a pool of 1: the queue grows without end."""
    found = of(a_configuration(pool_size=1))

    assert [math.inf, math.inf, 1.0] == [found.latency_s, found.pool_wait_s, found.pool_waiting_ratio]


def test_without_a_pool_nobody_waits_for_one() -> None:
    """An API that takes no connections is bound by loop and CPU alone."""
    found = of(a_configuration(pool_size=1), replace(ORDERS, acquisitions=0, hold_s=0))

    assert (found.pool_wait_s, found.pool_waiting_ratio) == (0.0, 0.0)


def test_no_pods_serve_nobody() -> None:
    """Nought replicas is no division by zero."""
    found = of(a_configuration(replicas=0))

    assert [math.inf, math.inf] == [found.cpu_utilization, found.latency_s]


@pytest.mark.parametrize(
    ("expected", "workers", "cores"),
    [
        pytest.param(0.36 / 2, 1, None, id="no limit: a core a worker"),
        pytest.param(0.36 / 4, 2, 4.0, id="a limit beyond the workers is of no use"),
        pytest.param(0.36 / 1, 2, 0.5, id="a limit below the workers binds"),
    ],
)
def test_cpu_is_bound_by_workers_and_limit(expected: float, workers: int, cores: float | None) -> None:
    """A worker uses one core at most, a pod its limit."""
    assert expected == pytest.approx(of(a_configuration(workers=workers), cores=cores).cpu_utilization)


@given(configurations(), demands(), st.sampled_from(["replicas", "pool_size"]), st.integers(1, 5))
def test_more_of_a_knob_never_forecasts_worse(there: Configuration, demand: ServiceDemand, knob: str, more: int) -> None:
    """Pods and connections may be useless, never harmful: the least sufficient pool is the answer for each replicas x workers."""
    less, larger = of(there, demand), of(replace(there, **{knob: getattr(there, knob) + more}), demand)

    assert larger.latency_s <= less.latency_s * (1 + 1e-9)
    assert larger.pool_waiting_ratio <= less.pool_waiting_ratio + 1e-9
    assert larger.cpu_utilization <= less.cpu_utilization
    assert larger.loop_utilization <= less.loop_utilization


@given(configurations(), demands(), st.floats(1, 5))
def test_more_load_never_forecasts_better(there: Configuration, demand: ServiceDemand, factor: float) -> None:
    """The forecast grows with what comes."""
    less, more = of(there, demand), of(there, replace(demand, arrivals_rps=demand.arrivals_rps * factor))

    assert less.latency_s <= more.latency_s * (1 + 1e-9)
    assert less.pool_waiting_ratio <= more.pool_waiting_ratio + 1e-9


@given(configurations(), demands(), st.floats(0.1, 10))
def test_the_unit_of_time_does_not_matter(there: Configuration, demand: ServiceDemand, factor: float) -> None:
    """Everything slower by a factor, requests rarer by it: the same utilizations, latencies longer by the factor."""
    slower = replace(
        demand,
        arrivals_rps=demand.arrivals_rps / factor,
        cpu_s=demand.cpu_s * factor,
        loop_s=demand.loop_s * factor,
        hold_s=demand.hold_s * factor,
        elsewhere_s=demand.elsewhere_s * factor,
    )
    one, two = of(there, demand), of(there, slower)
    if max(one.pool_utilization, one.loop_utilization) > 0.999:  # at saturation the last bit decides
        return

    assert one.latency_s * factor == pytest.approx(two.latency_s, rel=1e-6)
    assert one.cpu_utilization == pytest.approx(two.cpu_utilization)
