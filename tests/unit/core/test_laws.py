"""The laws of queues against closed forms and published values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies  # noqa: F401 - sets the profile of the properties
from apituner.core.laws import Usl, residence_s, waiting_behind_mean_s, waiting_mean_s, waiting_probability, waiting_quantile_s
from problems import curves


@pytest.mark.parametrize(
    ("expected", "offered", "servers"),
    [
        pytest.param(1 / 3, 1.0, 2, id="a^2 / (2 + a) of M/M/2"),
        pytest.param(0.4444444, 2.0, 3, id="two erlangs at three servers"),
        pytest.param(0.2362, 3.0, 5, id="three erlangs at five servers"),
        pytest.param(0.4092, 8.0, 10, id="eight erlangs at ten servers"),
        pytest.param(0.0, 0.0, 4, id="nobody comes, nobody waits"),
        pytest.param(1.0, 4.0, 4, id="exactly saturated"),
        pytest.param(1.0, 9.0, 4, id="past saturation: an answer, no error"),
    ],
)
def test_erlang_c(expected: float, offered: float, servers: int) -> None:
    """The chance to wait is that of the published tables."""
    assert expected == pytest.approx(waiting_probability(offered, servers), abs=5e-5)


@given(st.floats(0, 0.999))
def test_one_server_is_busy_as_often_as_it_is_utilized(rho: float) -> None:
    """In M/M/1 an arrival waits with probability rho, rho / (1 - rho) services long."""
    assert rho == pytest.approx(waiting_probability(rho, 1))
    assert rho / (1 - rho) == pytest.approx(waiting_mean_s(rho, 1, 1.0))


@given(st.floats(0.01, 60), st.integers(1, 60))
def test_erlang_c_equals_its_sum_of_factorials(offered: float, servers: int) -> None:
    """The recurrence gives the same as the textbook's formula."""
    if offered >= servers:
        return
    tail = offered**servers / math.factorial(servers) * servers / (servers - offered)
    textbook = tail / (sum(offered**k / math.factorial(k) for k in range(servers)) + tail)

    assert textbook == pytest.approx(waiting_probability(offered, servers), rel=1e-9)


@given(st.floats(0, 50), st.floats(0, 50), st.integers(1, 50))
def test_more_load_never_waits_less(one: float, two: float, servers: int) -> None:
    """Waiting grows with load, and falls with servers."""
    less, more = sorted((one, two))

    assert waiting_mean_s(less, servers, 0.1) <= waiting_mean_s(more, servers, 0.1) + 1e-12
    assert waiting_mean_s(less, servers + 1, 0.1) <= waiting_mean_s(less, servers, 0.1) + 1e-12


@pytest.mark.parametrize(
    ("expected", "share"),
    [
        pytest.param(0.0, 0.5, id="half find the server free"),
        pytest.param(0.0, 0.1, id="the lucky tenth does not wait"),
        pytest.param(math.log(0.5 / 0.05) / 0.5, 0.95, id="the twentieth waits ln(rho / 0.05) / (mu - lambda)"),
    ],
)
def test_quantile_of_a_wait_at_one_server(expected: float, share: float) -> None:
    """The quantile of M/M/1 at rho = 0.5 and a service of one second is the closed form."""
    assert expected == pytest.approx(waiting_quantile_s(0.5, 1, 1.0, share))


def test_a_saturated_station_never_serves() -> None:
    """At saturation the waits and the residence are infinite, not negative."""
    assert [math.inf] * 3 == [waiting_mean_s(2, 2, 0.1), waiting_quantile_s(3, 2, 0.1, 0.95), residence_s(0.1, 1.0)]


@pytest.mark.parametrize(
    ("expected", "utilization"),
    [
        pytest.param(0.010, 0.0, id="alone: the demand itself"),
        pytest.param(0.020, 0.5, id="half busy: twice"),
        pytest.param(0.100, 0.9, id="nine tenths busy: ten times"),
    ],
)
def test_residence(expected: float, utilization: float) -> None:
    """Processor sharing stretches a demand by 1 / (1 - U)."""
    assert expected == pytest.approx(residence_s(0.010, utilization))


@pytest.mark.parametrize(
    ("waiting", "mean_s", "p99_s", "servers", "arrivals_rps", "service_s"),
    [
        pytest.param(0.800000, 0.400000, 2.191013, 1, 8, 0.1, id="M/M/1"),
        pytest.param(0.642857, 0.642857, 4.163337, 2, 3, 0.5, id="two servers, three quarters busy"),
        pytest.param(0.554113, 0.022165, 0.160591, 5, 100, 0.04, id="five servers"),
        pytest.param(0.668732, 0.033437, 0.210140, 10, 180, 0.05, id="ten servers, nine tenths busy"),
        pytest.param(0.401302, 0.008026, 0.073843, 15, 250, 0.05, id="fifteen servers"),
        pytest.param(0.035259, 0.000235, 0.008401, 20, 250, 0.05, id="twenty servers: hardly anybody waits"),
    ],
)
def test_erlang_c_to_the_sixth_digit(  # noqa: PLR0913, PLR0917 - one row of the reference table
    waiting: float, mean_s: float, p99_s: float, servers: int, arrivals_rps: float, service_s: float
) -> None:
    """The chance to wait, the mean wait and the p99 of the wait of the reference table."""
    offered = arrivals_rps * service_s

    assert waiting == pytest.approx(waiting_probability(offered, servers), abs=1e-6)
    assert mean_s == pytest.approx(waiting_mean_s(offered, servers, service_s), abs=1e-6)
    assert p99_s == pytest.approx(waiting_quantile_s(offered, servers, service_s, 0.99), abs=1e-6)


@pytest.mark.parametrize(
    ("waiting", "mean_ms", "p99_ms", "pools", "size"),
    [
        pytest.param(0.0020, 0.005, 0.0, 1, 60, id="one pool of 60"),
        pytest.param(0.0250, 0.125, 4.6, 2, 30, id="two of 30"),
        pytest.param(0.1020, 1.02, 23.2, 4, 15, id="four of 15"),
        pytest.param(0.1746, 2.62, 42.9, 6, 10, id="six of 10"),
        pytest.param(0.3267, 9.80, 104.6, 12, 5, id="twelve of 5"),
        pytest.param(0.4444, 22.2, 189.7, 20, 3, id="twenty of 3"),
        pytest.param(0.5333, 40.0, 298.2, 30, 2, id="thirty of 2"),
    ],
)
def test_the_same_connections_in_more_pools_wait_longer(waiting: float, mean_ms: float, p99_ms: float, pools: int, size: int) -> None:
    """60 connections, 800 acquisitions per second of 50 ms each: the coupling of the knobs, to the digits of the reference."""
    offered = 800 * 0.05 / pools

    assert waiting == pytest.approx(waiting_probability(offered, size), abs=5e-5)
    assert mean_ms == pytest.approx(waiting_mean_s(offered, size, 50), rel=5e-3, abs=5e-4)
    assert p99_ms == pytest.approx(waiting_quantile_s(offered, size, 50, 0.99), abs=0.05)


@pytest.mark.parametrize(
    ("expected", "arrivals_rps", "service_s", "share", "most_s"),
    [
        pytest.param(15, 500, 0.020, 0.95, 0.005, id="p95 of at most 5 ms: Little alone says 10"),
        pytest.param(8, 200, 0.015, 0.99, 0.002, id="p99 of at most 2 ms: Little alone says 3"),
    ],
)
def test_the_least_pool(expected: int, arrivals_rps: float, service_s: float, share: float, most_s: float) -> None:
    """A pool is larger than the connections that are out on average."""
    offered = arrivals_rps * service_s

    assert expected == next(size for size in range(1, 99) if waiting_quantile_s(offered, size, service_s, share) <= most_s)


@pytest.mark.parametrize(
    ("expected_ms", "utilization", "squared_variation"),
    [
        pytest.param(10.0, 0.5, 1.0, id="exponential, half busy"),
        pytest.param(70 / 3, 0.7, 1.0, id="exponential, 70 % busy"),
        pytest.param(40.0, 0.8, 1.0, id="exponential, 80 % busy"),
        pytest.param(90.0, 0.9, 1.0, id="exponential, 90 % busy"),
        pytest.param(175 / 3, 0.7, 4.0, id="rare long services"),
        pytest.param(5.0, 0.5, 0.0, id="all the same: half of the exponential's"),
        pytest.param(math.inf, 1.0, 1.0, id="saturated"),
    ],
)
def test_pollaczek_khinchine(expected_ms: float, utilization: float, squared_variation: float) -> None:
    """The mean wait behind services of 10 ms that vary."""
    found = waiting_behind_mean_s(utilization / 0.010, (1 + squared_variation) * 0.010**2, utilization)

    assert expected_ms / 1e3 == pytest.approx(found, abs=1e-6)


REFERENCE = Usl(base_s=0.01, contention=0.05, coherency=0.002)


@pytest.mark.parametrize(
    ("expected_rps", "running"),
    [
        pytest.param(547.20, 8, id="rising"),
        pytest.param(717.49, 16, id="nearly there"),
        pytest.param(739.74, 22, id="the knee"),
        pytest.param(705.78, 32, id="beyond the knee"),
        pytest.param(523.99, 64, id="far beyond"),
    ],
)
def test_throughput_by_concurrency(expected_rps: float, running: int) -> None:
    """The reference values of the Universal Scalability Law, and the law itself to the sixth digit."""
    law = 100 * running / (1 + 0.05 * (running - 1) + 0.002 * running * (running - 1))

    assert expected_rps == pytest.approx(running / REFERENCE.response_s(running), abs=0.005)
    assert law == pytest.approx(running / REFERENCE.response_s(running), abs=1e-6)


def test_the_knee() -> None:
    """The square root of (1 - contention) / coherency, where throughput is largest."""
    assert math.sqrt(0.95 / 0.002) == pytest.approx(REFERENCE.knee, abs=1e-6)
    assert pytest.approx(21.79, abs=0.005) == REFERENCE.knee
    assert pytest.approx(739.75, abs=0.02) == REFERENCE.throughput_most_rps


@pytest.mark.parametrize(
    ("expected", "curve"),
    [
        pytest.param(2000.0, Usl(base_s=0.01, contention=0.05, coherency=0.0), id="a flat top: 1 / (base * contention)"),
        pytest.param(math.inf, Usl(base_s=0.01, contention=0.0, coherency=0.0), id="nothing in the way: no limit"),
    ],
)
def test_without_coherency_there_is_no_knee(expected: float, curve: Usl) -> None:
    """Throughput never falls."""
    assert math.inf == curve.knee
    assert expected == pytest.approx(curve.throughput_most_rps)


@pytest.mark.parametrize(
    ("expected", "arrivals_rps", "others"),
    [
        pytest.param(0.5, 50, 0.0, id="fewer than one at once: each alone"),
        pytest.param(8.0, 547.196, 0.0, id="as many as Little says for the throughput at 8"),
        pytest.param(8.0, 547.196 / 2, 4.0, id="half of them of others"),
        pytest.param(None, 740, 0.0, id="more than the database completes"),
        pytest.param(None, 1e5, 0.0, id="far more"),
        pytest.param(None, 1.0, 1e9, id="others alone are too many"),
    ],
)
def test_queries_at_once(expected: float | None, arrivals_rps: float, others: float) -> None:
    """The fixed point n = others + arrivals * R(n); of two the lower, none beyond the most that is completed."""
    found = REFERENCE.running(arrivals_rps, others)

    assert (found is None) is (expected is None)
    assert found is None or expected == pytest.approx(found, rel=1e-5)


@given(curves(), st.floats(0.1, 2000), st.floats(0, 30))
def test_a_fixed_point_is_one(curve: Usl, arrivals_rps: float, others: float) -> None:
    """What is found solves n = others + arrivals * R(n); without others it is found exactly where the database can keep up."""
    found = curve.running(arrivals_rps, others)

    if found is not None:
        assert found == pytest.approx(others + arrivals_rps * curve.response_s(found), rel=1e-6)
    if curve.knee > 1 and abs(arrivals_rps / curve.throughput_most_rps - 1) > 1e-6:
        assert (curve.running(arrivals_rps) is not None) is (arrivals_rps < curve.throughput_most_rps)


@given(curves(), st.floats(1, 200))
def test_a_time_tells_how_many_run_at_once(curve: Usl, running: float) -> None:
    """The inverse of the law; what is no slower than alone is alone."""
    assert running == pytest.approx(curve.running_for(curve.response_s(running)), rel=1e-6)
    assert curve.running_for(curve.base_s / 2) == 1.0


@pytest.mark.parametrize(
    ("expected", "contention"), [pytest.param(3.0, 0.5, id="a line"), pytest.param(math.inf, 0.0, id="no time but the one alone")]
)
def test_a_time_on_a_line(expected: float, contention: float) -> None:
    """Without coherency the law is a line; without either no number makes a query slower."""
    assert expected == pytest.approx(Usl(base_s=0.01, contention=contention, coherency=0.0).running_for(0.02))
