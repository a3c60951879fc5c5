"""What is seen beside the signals: the worst routes, and a few figures over a shorter window. Optional: what is odd is left out. Pure."""

import math
from collections.abc import Iterable, Mapping

from apituner.core.snapshot import FAST_SIGNALS, Absence, RouteSignal, Signal
from apituner.prometheus.answer import Sample
from apituner.prometheus.choice import Key
from apituner.prometheus.figures import FORMULAS, Figures, divided, read
from apituner.prometheus.presets.preset import ROUTE
from apituner.prometheus.queries import FAST, NAME
from apituner.prometheus.series import Figure, RouteFigure

Routes = Mapping[str, Mapping[str, float]]
"""Figures by the template of the route and by name."""

# Of a template: what a sentence has room for.
_ROUTE_MOST = 120
_PLAIN = {
    RouteSignal.REQUESTS_RPS: RouteFigure.REQUESTS,
    RouteSignal.QUERIES_PER_REQUEST: RouteFigure.QUERIES_EACH,
    RouteSignal.SERIALIZATION_MEAN_S: RouteFigure.SERIALIZATION_SECONDS_EACH,
    RouteSignal.RESPONSE_MEAN_BYTES: RouteFigure.RESPONSE_BYTES_EACH,
}


def by_route(samples: Iterable[Sample]) -> dict[Key, dict[str, dict[str, float]]]:
    """Sort samples by workload and preset, by route, and by name."""
    found: dict[Key, dict[str, dict[str, float]]] = {}
    for sample in samples:
        namespace, workload, preset, route, name = (sample.labels.get(one, "") for one in ("namespace", "workload", "preset", ROUTE, NAME))
        if namespace and workload and route and name:
            found.setdefault((namespace, workload, preset), {}).setdefault(route, {})[name] = sample.value
    return found


def routes_of(routes: Routes, figures: Figures) -> dict[str, dict[RouteSignal, float]]:
    """Return the signals of each route; what is no figure, such as a mean of no requests, is left out."""
    blocked = read(figures, Figure.LOOP_BLOCKED_SECONDS)
    found = {route[:_ROUTE_MOST]: dict(_signals(told, blocked)) for route, told in routes.items()}
    return {route: signals for route, signals in found.items() if signals}


def _signals(told: Mapping[str, float], blocked: float | Absence) -> Iterable[tuple[RouteSignal, float]]:
    known = {name: value for name, value in told.items() if math.isfinite(value) and value >= 0}
    for signal, figure in _PLAIN.items():
        if figure in known:
            yield signal, known[figure]
    shares = (
        (RouteSignal.BLOCKED_RATIO, known.get(RouteFigure.BLOCKED_SECONDS), blocked),
        (
            RouteSignal.EXTERNAL_IN_TRANSACTION_RATIO,
            known.get(RouteFigure.HOLDING_CALL_SECONDS),
            known.get(RouteFigure.CALL_SECONDS, Absence.NO_SERIES),
        ),
    )
    for signal, top, bottom in shares:
        if top is not None and not isinstance(share := divided(top, bottom), Absence):
            yield signal, min(1.0, share)


def fast_of(numbers: Mapping[str, float]) -> dict[Signal, float]:
    """Return the signals over the short window, but for the share over the objective, which is the target's own."""
    figures = {name.removeprefix(FAST): value for name, value in numbers.items() if name.startswith(FAST)}
    read_out = {signal: FORMULAS[signal](figures) for signal in Signal if signal in FAST_SIGNALS and signal in FORMULAS}
    return {signal: value for signal, value in read_out.items() if not isinstance(value, Absence)}
