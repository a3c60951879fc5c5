"""The laws of queues against closed forms and published values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies  # noqa: F401 - sets the profile of the properties
from apituner.core.laws import residence_s, waiting_mean_s, waiting_probability, waiting_quantile_s


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
