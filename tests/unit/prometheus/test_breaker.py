"""The breaker: patience first, then rest, then one try at a time."""

from apituner.prometheus.breaker import Breaker


def test_it_opens_after_failures_in_a_row() -> None:
    """Two failures and a success count for nothing; three in a row open it."""
    breaker = Breaker()
    for failed in (True, True, False, True, True):
        breaker.failed(0) if failed else breaker.succeeded()
    assert not breaker.open

    breaker.failed(0)

    assert breaker.open
    assert not breaker.lets_through(19.9)


def test_one_try_goes_through_after_each_rest() -> None:
    """After the rest one call may try; the others wait for what comes of it."""
    breaker = Breaker(failures_to_open=1, rest_s=20)
    breaker.failed(0)

    assert breaker.lets_through(20)
    assert not breaker.lets_through(20)
    breaker.failed(25)
    assert not breaker.lets_through(44.9)
    assert breaker.lets_through(45)


def test_a_success_closes_it() -> None:
    """The first success ends the rest for all."""
    breaker = Breaker(failures_to_open=1)
    breaker.failed(0)

    breaker.succeeded()

    assert breaker.lets_through(0)
    assert not breaker.open
