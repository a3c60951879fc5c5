"""Routes and the short window: what is told is read, what is odd or partial is left out, and nothing of it is ever needed."""

import math

import pytest

from apituner.core.snapshot import FAST_SIGNALS, RouteSignal, Signal, Snapshot
from apituner.prometheus.answer import Sample
from apituner.prometheus.details import by_route, fast_of, routes_of
from apituner.prometheus.presets.apituner import APITUNER
from apituner.prometheus.presets.precedence import PRESETS
from apituner.prometheus.queries import FAST
from apituner.prometheus.readout import Seen, readout
from apituner.prometheus.series import Count, Figure, RouteFigure
from builders import NOON
from deployments import a_target

KEY = ("shop", "orders", APITUNER.name)
COUNTS: dict[str, float] = {Count.SEEN: 2.0, Count.CURRENT: 2.0, Count.REPORTING: 2.0, Count.FAST: 2.0}
FAST_FIGURES: dict[str, float] = {
    FAST + Figure.REQUESTS: 40.0,
    FAST + Figure.CPU: 1.5,
    FAST + Figure.ERRORS: 2.0,
    FAST + Figure.IN_FLIGHT: 7.0,
}
BUCKETS = {"0.25": 30.0, "1.0": 40.0, "+Inf": 40.0}


def snapshot(
    numbers: dict[str, float], buckets: dict[str, float] | None = None, routes: dict[str, dict[str, float]] | None = None
) -> Snapshot:
    """Read `shop/orders` out of a sweep."""
    sweep = Seen(
        taken_at=NOON,
        window_s=60,
        numbers={KEY: numbers},
        buckets={},
        fast_buckets={KEY: BUCKETS if buckets is None else buckets},
        routes={KEY: routes or {}},
    )
    answer = readout(a_target(), sweep)
    assert isinstance(answer, Snapshot)
    return answer


def test_the_short_window_is_read_with_the_targets_own_objective() -> None:
    """All of the signals that are known over it; a quarter of the requests took longer than 250 ms."""
    answer = snapshot(COUNTS | FAST_FIGURES)

    assert answer.fast == {
        Signal.REQUESTS_RPS: 40.0,
        Signal.ERRORS_RATIO: 0.05,
        Signal.IN_FLIGHT: 7.0,
        Signal.CPU_CORES: 1.5,
        Signal.OVER_OBJECTIVE_RATIO: 0.25,
    }
    assert FAST_SIGNALS == answer.fast.keys()
    assert answer.fast_window_s == 30


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param(COUNTS | {Count.FAST: 1.0}, id="one pod of two was scraped often enough"),
        pytest.param({name: count for name, count in COUNTS.items() if name != Count.FAST}, id="none was"),
    ],
)
def test_p1_half_of_the_pods_are_no_short_window(counts: dict[str, float]) -> None:
    """A sum over some of the pods is too small; the long window stays."""
    assert snapshot(counts | FAST_FIGURES).fast == {}


def test_what_is_odd_in_the_short_window_is_left_out() -> None:
    """NaN is no figure, and without requests there is no share of them."""
    assert snapshot(COUNTS | FAST_FIGURES | {FAST + Figure.CPU: math.nan}, {"many": 1.0}).fast.keys() == {
        Signal.REQUESTS_RPS,
        Signal.ERRORS_RATIO,
        Signal.IN_FLIGHT,
    }
    assert snapshot(COUNTS).fast == {}
    assert fast_of({Figure.REQUESTS: 1.0}) == {}


TOLD: dict[str, float] = {
    RouteFigure.REQUESTS: 8.0,
    RouteFigure.QUERIES_EACH: 21.0,
    RouteFigure.SERIALIZATION_SECONDS_EACH: 0.03,
    RouteFigure.RESPONSE_BYTES_EACH: 5000.0,
    RouteFigure.BLOCKED_SECONDS: 0.6,
    RouteFigure.CALL_SECONDS: 2.0,
    RouteFigure.HOLDING_CALL_SECONDS: 1.0,
}


def test_a_route_with_all_its_figures() -> None:
    """Its part of the time for which loops were blocked, and the part of its own calls that held a connection."""
    answer = snapshot(COUNTS | {Figure.LOOP_BLOCKED_SECONDS: 0.8}, routes={"/orders/{id}": TOLD})

    assert answer.routes == {
        "/orders/{id}": {
            RouteSignal.REQUESTS_RPS: 8.0,
            RouteSignal.QUERIES_PER_REQUEST: 21.0,
            RouteSignal.SERIALIZATION_MEAN_S: 0.03,
            RouteSignal.RESPONSE_MEAN_BYTES: 5000.0,
            RouteSignal.BLOCKED_RATIO: pytest.approx(0.75),
            RouteSignal.EXTERNAL_IN_TRANSACTION_RATIO: 0.5,
        }
    }
    assert set(RouteSignal) == answer.routes["/orders/{id}"].keys()


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        pytest.param({}, {RouteFigure.QUERIES_EACH: math.nan}, id="a mean of no requests"),
        pytest.param({}, {RouteFigure.REQUESTS: -1.0}, id="fewer than none"),
        pytest.param({}, {RouteFigure.BLOCKED_SECONDS: 0.6}, id="a part of nobody knows what"),
        pytest.param({}, {RouteFigure.HOLDING_CALL_SECONDS: 1.0}, id="likewise of the calls"),
        pytest.param({}, {RouteFigure.HOLDING_CALL_SECONDS: 0.0, RouteFigure.CALL_SECONDS: 0.0}, id="of no calls at all"),
        pytest.param(
            {"/": {RouteSignal.REQUESTS_RPS: 1.0}}, {RouteFigure.REQUESTS: 1.0, RouteFigure.QUERIES_EACH: math.inf}, id="the rest"
        ),
    ],
)
def test_what_is_odd_of_a_route_is_left_out(expected: dict[str, dict[RouteSignal, float]], told: dict[str, float]) -> None:
    """A route without a figure is no route."""
    assert expected == routes_of({"/": told}, {})


def test_no_more_than_all_of_the_time_is_blocked_by_a_route() -> None:
    """Two counters are scraped at once but counted apart."""
    found = routes_of({"/": {RouteFigure.BLOCKED_SECONDS: 0.9}}, {Figure.LOOP_BLOCKED_SECONDS: 0.8})

    assert found == {"/": {RouteSignal.BLOCKED_RATIO: 1.0}}


def test_samples_are_sorted_by_route() -> None:
    """What has no workload, no route or no name falls out; a template is cut where a sentence would burst."""

    def sample(**labels: str) -> Sample:
        return Sample(labels=labels, value=1.0)

    whole = {"namespace": "shop", "workload": "orders", "preset": "Apituner", "http_route": "/a", "atun": "requests"}
    found = by_route([sample(**whole), *(sample(**{**whole, gone: ""}) for gone in ("namespace", "workload", "http_route", "atun"))])

    assert found == {KEY: {"/a": {"requests": 1.0}}}
    (route,) = routes_of({"/" * 500: {RouteFigure.REQUESTS: 1.0}}, {})
    assert len(route) == 120


def test_only_ours_is_asked_for_them() -> None:
    """Nothing is grown by an exporter that does not tell of loops, and no other tells of routes in the same words."""
    assert [bool(preset.routes) for preset in PRESETS] == [preset is APITUNER for preset in PRESETS]
    assert [bool(preset.fast) for preset in PRESETS] == [preset is APITUNER for preset in PRESETS]
    assert set(RouteFigure) == APITUNER.routes.keys()
