"""What was noted of calls becomes series that are bounded, and is charged to the request that made them."""

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi.calls.libraries import Calls
from apituner.fastapi.calls.watch import CONNECT, TIMEOUT, Call, CallWatch
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.exchange import Exchange
from apituner.fastapi.requests.meter import Meter
from apituner.fastapi.requests.routes import RouteTable
from apituner.fastapi.requests.spans import CALL, HOLD, current

Read = Callable[..., float]

_CALL = "http_client_request_duration_seconds"


class _World:
    """A watch, and a request to ``/orders`` that is being answered."""

    def __init__(self) -> None:
        self.signals = Signals(CollectorRegistry())
        self.watch = CallWatch(self.signals)
        self.meter = Meter(self.signals, RouteTable(lambda: [_Route()]))
        self.exchange = Exchange(self.meter, {"method": "GET", "headers": []}, "/orders", _never, _never)

    def value(self, name: str, **labels: str) -> float | None:
        """Read one series, after everything that was noted is counted."""
        self.meter.count()
        self.watch.count()
        self.signals.tallies.count()
        return self.signals.registry.get_sample_value(name, labels)

    def series(self, name: str) -> set[tuple[str, ...]]:
        """Return the label values of all series of a metric."""
        self.value(name)
        return {
            tuple(value for label, value in sorted(sample.labels.items()) if label != "le")
            for metric in self.signals.registry.collect()
            for sample in metric.samples
            if sample.name == name
        }


class _Route:
    """A route as Starlette's router has it."""

    import re  # noqa: PLC0415 - of this class alone

    path_regex = re.compile("^/orders$")
    path_format = "/orders"
    methods = None
    endpoint = None


async def _never(*_: Any) -> Any:  # noqa: ANN401 - stands for either of a server's callables
    raise AssertionError


@pytest.fixture
def world() -> _World:
    """A world in which nothing was called yet."""
    return _World()


@pytest.fixture
def answering(world: _World) -> Any:  # noqa: ANN401 - a fixture that yields nothing
    """Answer the world's request for as long as the test lasts."""
    outer = current.set(world.exchange)
    yield
    current.reset(outer)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        pytest.param("", 0, id="no answer has no status"),
        pytest.param("404", 404, id="a registered status is told"),
        pytest.param("5xx", 520, id="one of a proxy's own tells its class"),
        pytest.param("_OTHER", 999, id="one of no class tells nothing"),
    ],
)
def test_a_status_is_told_as_far_as_it_is_one(told: str, status: int, world: _World) -> None:
    """A service must not make a thousand series."""
    call = Call(world.watch, "payments", limited=True)
    call.status = status
    call.end()
    assert world.value(f"{_CALL}_count", server_address="payments", http_response_status_code=told) == 1


@pytest.mark.parametrize(
    ("told", "host"),
    [
        pytest.param("payments", "Payments", id="in small letters"),
        pytest.param("payments.shop.svc", "payments.shop.svc.", id="without the dot at the end"),
        pytest.param("h" * 200, "h" * 10_000, id="cut where no name is that long"),
    ],
)
def test_a_host_has_one_name(told: str, host: str, world: _World) -> None:
    """However the caller writes it."""
    Call(world.watch, host, limited=False).end(CONNECT)
    assert world.value("apituning_http_client_errors_total", server_address=told, error_type="connect") == 1
    assert world.value("apituning_external_calls_without_timeout_total", http_route="", server_address=told) == 1


def test_ten_thousand_hosts_are_a_hundred_and_others(world: _World) -> None:
    """An API that calls whom its users name must not make a series of each."""
    for number in range(10_000):
        Call(world.watch, f"host-{number}", limited=False).end(TIMEOUT)
    assert len(world.series(f"{_CALL}_count")) == 101
    assert world.value(f"{_CALL}_count", server_address="_OTHER", http_response_status_code="") == 9_900
    assert len(world.series("apituning_external_calls_without_timeout_total")) == 101


def test_pairs_of_route_and_host_are_bounded(world: _World) -> None:
    """The first 500 are told; what comes after is counted all the same."""
    pairs = {world.signals.unlimited_pair.values(f"/{route}", f"host-{host}") for route in range(100) for host in range(100)}
    assert len(pairs) == 501
    assert ("_OTHER", "_OTHER") in pairs


@pytest.mark.usefixtures("answering")
def test_a_call_is_charged_to_the_route_that_made_it(world: _World) -> None:
    """And the part of it for which a connection was held, to that account, too."""
    call = Call(world.watch, "payments", limited=False)
    call.end()
    call.end()
    ((kind, since_s, until_s),) = world.exchange.spans
    assert kind == CALL
    world.exchange.spans.append((HOLD, since_s - 1, until_s + 1))
    world.exchange.finish(200)
    assert world.value("apituning_external_calls_total", http_route="/orders") == 1
    assert world.value("apituning_external_call_seconds_total", http_route="/orders") == until_s - since_s
    assert world.value("apituning_external_call_while_holding_seconds_total", http_route="/orders") == pytest.approx(until_s - since_s)
    assert world.value("apituning_external_calls_without_timeout_total", http_route="/orders", server_address="payments") == 1


@pytest.mark.usefixtures("answering")
def test_a_request_does_not_pay_for_what_it_did_not_wait_for(world: _World) -> None:
    """A call that ends after the response, as one of a background task does, is the host's alone."""
    call = Call(world.watch, "payments", limited=True)
    world.exchange.finish(200)
    call.end()
    assert world.value("apituning_external_calls_total", http_route="/orders") is None
    assert world.value(f"{_CALL}_count", server_address="payments", http_response_status_code="") == 1


@pytest.mark.usefixtures("answering")
def test_a_call_that_never_ends_is_named_at_once(world: _World) -> None:
    """That is the one which a limit is for."""
    Call(world.watch, "payments", limited=False)
    assert world.value("apituning_external_calls_without_timeout_total", http_route="/orders", server_address="payments") == 1


def test_a_fault_in_counting_is_no_fault_of_the_api(calls: Calls, value: Read, caplog: pytest.LogCaptureFixture) -> None:
    """It is written down, and what comes after is counted."""
    fails: Callable[..., Any] = lambda *_: 1 / 0  # noqa: E731 - as short as it can be
    sound, calls._watch._count = calls._watch._count, fails  # type: ignore[method-assign]  # a fault of ours
    Call(calls._watch, "payments", limited=True).end()
    calls.count()
    calls._watch._count = sound  # type: ignore[method-assign]  # mended
    Call(calls._watch, "payments", limited=True).end()
    assert "could not take note of a call to another service" in caplog.text
    assert value(f"{_CALL}_count", server_address="payments", http_response_status_code="") == 1
