"""The spans of a request tell what it asked of others, in seconds that add up."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.spans import (
    BUILDING_OPERATION,
    CALL,
    ENDING,
    HOLD,
    OPERATION,
    THREAD,
    WAIT,
    Span,
    charge,
    charge_holds,
)

_NAMES = {
    "building": "apituning_db_operations_while_building_total",
    "database_s": "apituning_db_operation_seconds_total",
    "wait_s": "apituning_db_connection_wait_seconds_total",
    "hold_s": "apituning_db_connection_hold_seconds_total",
    "unused_s": "apituning_db_connection_unused_seconds_total",
    "calls": "apituning_external_calls_total",
    "call_s": "apituning_external_call_seconds_total",
    "holding_call_s": "apituning_external_call_while_holding_seconds_total",
    "thread_wait_s": "apituning_threadpool_wait_seconds_total",
    "operations": "apituning_db_operations_per_request_sum",
}


def _charged(*spans: Span, late: Span | None = None) -> dict[str, float]:
    """Return what was charged, without what is nothing."""
    signals = Signals(CollectorRegistry())
    charge(signals.routes, "/orders", spans)
    if late is not None:
        charge_holds(signals.routes, "/orders", spans, [late])
    signals.tallies.count()
    found = {short: signals.registry.get_sample_value(name, {"http_route": "/orders"}) for short, name in _NAMES.items()}
    return {short: value for short, value in found.items() if value}


@pytest.mark.parametrize(
    ("expected", "spans"),
    [
        pytest.param({}, [], id="a request that asked for nothing"),
        pytest.param(
            {"operations": 2, "database_s": 3, "hold_s": 10, "unused_s": 7},
            [(OPERATION, 1, 2), (OPERATION, 4, 6), (HOLD, 0, 10)],
            id="a transaction that thinks between two statements",
        ),
        pytest.param(
            {"operations": 1, "database_s": 4, "hold_s": 4},
            [(OPERATION, 0, 3), (ENDING, 3, 4), (HOLD, 0, 4)],
            id="a commit is the database's",
        ),
        pytest.param(
            {"operations": 3, "building": 2, "database_s": 3},
            [(OPERATION, 0, 1), (BUILDING_OPERATION, 1, 2), (BUILDING_OPERATION, 2, 3)],
            id="lazy loading while the response is built",
        ),
        pytest.param(
            {"calls": 1, "call_s": 5, "hold_s": 8, "unused_s": 8, "holding_call_s": 5},
            [(CALL, 2, 7), (HOLD, 0, 8)],
            id="a call inside of a transaction",
        ),
        pytest.param(
            {"calls": 1, "call_s": 2, "hold_s": 1, "unused_s": 1}, [(HOLD, 0, 1), (CALL, 1, 3)], id="a call after the transaction"
        ),
        pytest.param(
            {"calls": 2, "call_s": 8, "hold_s": 5, "unused_s": 5, "holding_call_s": 5},
            [(CALL, 0, 4), (CALL, 1, 5), (HOLD, 0, 5)],
            id="two calls at once keep the connection no longer than it is held",
        ),
        pytest.param({"wait_s": 2, "thread_wait_s": 3}, [(WAIT, 0, 2), (THREAD, 4, 7)], id="waiting is waiting"),
    ],
)
def test_spans_are_charged_to_the_route(expected: dict[str, float], spans: list[Span]) -> None:
    """Each kind to its own counter."""
    assert expected == pytest.approx(_charged(*spans))


def test_a_connection_given_back_after_the_response_is_charged_then() -> None:
    """FastAPI closes a dependency with yield when the response is out: its statements were charged before, and are taken off."""
    assert _charged((OPERATION, 1, 3), late=(HOLD, 0, 10)) == {"operations": 1, "database_s": 2, "hold_s": 10, "unused_s": 8}


_TIMES = st.integers(0, 1000)
_SPANS = st.lists(
    st.tuples(st.sampled_from([OPERATION, ENDING, WAIT, HOLD, CALL]), _TIMES, _TIMES).map(lambda s: (s[0], min(s[1:]), max(s[1:])))
)


@given(_SPANS)
def test_no_share_is_larger_than_the_whole(spans: list[Span]) -> None:
    """Whatever overlaps: unused and calling time are parts of the time held, and the time of calls while holding is one of the calls."""
    charged = _charged(*spans)
    assert charged.get("unused_s", 0) <= charged.get("hold_s", 0)
    assert charged.get("holding_call_s", 0) <= charged.get("hold_s", 0)


@given(_SPANS)
def test_connections_held_at_once_are_charged_as_one_by_one(spans: list[Span]) -> None:
    """Several are compared with the statements and calls by another way than a single one, which most requests hold."""
    one_by_one = dict.fromkeys(("hold_s", "unused_s", "holding_call_s"), 0.0)
    for hold in (span for span in spans if span[0] == HOLD):
        charged = _charged(*(span for span in spans if span[0] != HOLD), late=hold)
        one_by_one = {name: seconds + charged.get(name, 0.0) for name, seconds in one_by_one.items()}
    charged = _charged(*spans)
    assert one_by_one == pytest.approx({name: charged.get(name, 0.0) for name in one_by_one}, abs=1e-9)


def test_the_cost_of_many_connections_grows_with_their_number_alone() -> None:
    """An export that asks for a connection three thousand times must not stop the event loop: 7 ms here, and not 4 s."""
    spans = [span for at_s in range(3_000) for span in ((OPERATION, at_s, at_s + 0.5), (HOLD, at_s, at_s + 1))]
    since_s = time.perf_counter()
    charge(Signals(CollectorRegistry()).routes, "/export", spans)
    assert time.perf_counter() - since_s < 0.5
