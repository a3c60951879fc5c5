"""
Every query of a sweep, by name. Pure strings.

A sweep asks at most six queries of a source, whatever the number of its targets: first the detection, alone, then the coverage and the
readings of the presets that were found, at once, all at one timestamp. Each groups by namespace and workload at the server, so that an
answer grows with workloads, not with pods or routes: of routes the five with the largest figures are told.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote_plus

from apituner.prometheus.presets.precedence import PRESETS
from apituner.prometheus.presets.preset import ROUTE, Preset
from apituner.prometheus.promql import by_workload, duration, one_of, tagged, union
from apituner.prometheus.series import Count, Figure, RouteFigure

# Proxies refuse URLs past 8 KiB (nginx, Apache, AWS), and the address, the path and the other parameters need room too.
MOST_URL_CHARACTERS = 7400
# rate() needs two samples; with three, one may be lost.
LEAST_SAMPLES = 3
# A sample is late after three gaps, as that many scrapes were missed; two scrapes at 10 s are forgiven to any.
LATE_AFTER_GAPS = 3
LATE_AFTER_S = 20
# A pod that was there for less of the window has its rates understated by more than a quarter.
LEAST_WINDOW_RATIO = 0.75
# Half of the window shows a step twice as soon; where it holds too few scrapes for that it is left out.
FAST_RATIO = 0.5
# Routes of which each figure is fetched: whoever reads a finding mends the worst first.
ROUTES_MOST = 5
# The label by which figures and counts are told apart: the API's own series pass through with all their labels until they are summed, so
# it must be one that none of them has.
NAME = "atun"
FAST = "fast_"
# Who was there within the quarter of an hour is missed, and told apart from who never came.
_MISSED_FOR = "15m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One preset, where its series are asked for (a matcher; empty for everywhere), and the window."""

    preset: Preset
    where: str
    window_s: float

    def promql(self, expression: str) -> str:
        """Fill the holes of one of the preset's expressions."""
        return self.preset.promql(expression, pods=self.where, window=duration(self.window_s))

    def pods(self, aggregation: str, expressions: Mapping[Figure, str] | Mapping[Count, str]) -> str:
        """Aggregate each of *expressions* by pod, told apart by its name and that of the preset."""
        named = union(tagged(NAME, name, self.promql(expression)) for name, expression in expressions.items())
        return tagged("preset", self.preset.name, f"{aggregation} by(namespace,pod,{NAME})({named})")


def detection(namespaces: Collection[str], window_s: float) -> str:
    """Which presets are there: asked for *namespaces* only, or for all of them where naming them would make a URL too long."""
    narrow = _detection(one_of("namespace", namespaces), window_s)
    return narrow if _fits(narrow) else _detection("", window_s)


def sweep(presets: Mapping[Preset, Collection[str]], window_s: float) -> Mapping[str, str]:
    """Everything else, by name: of each preset in its own namespaces, or in all of them, likewise."""
    narrow = _sweep([Asked(preset=one, where=one_of("namespace", names), window_s=window_s) for one, names in presets.items()])
    wide = _sweep([Asked(preset=one, where="", window_s=window_s) for one in presets])
    return {name: query if _fits(query) else wide[name] for name, query in narrow.items()}


def _fits(query: str) -> bool:
    return len(quote_plus(query)) <= MOST_URL_CHARACTERS


def _detection(where: str, window_s: float) -> str:
    scraped = tagged(NAME, Count.SCRAPED, f"group by(namespace,pod)(up{{{where}}}==1)")
    asked = [Asked(preset=preset, where=where, window_s=window_s) for preset in PRESETS]
    seen = [one.pods("group", {Count.SEEN: f"present_over_time($marker[{_MISSED_FOR}])"}) for one in asked]
    return by_workload("sum", union([scraped, *seen]), "preset", NAME)


def _sweep(asked: Sequence[Asked]) -> Mapping[str, str]:
    return {
        "coverage": coverage(asked),
        "serving": _aggregated("sum", asked, lambda preset: preset.serving),
        "resources": _aggregated("sum", asked, lambda preset: preset.resources),
        "extremes": extremes(asked),
        "latency": latency(asked),
    }


def coverage(asked: Sequence[Asked]) -> str:
    """How many pods can be trusted, judged by the series that every pod of the preset has."""
    counts = by_workload("sum", union(one.pods("group", _trusted(one)) for one in asked), "preset", NAME)
    return union([counts, *(routes(one) for one in asked if one.preset.routes)])


def _trusted(one: Asked) -> Mapping[Count, str]:
    times, window_s = "count_over_time($marker[$window])", one.window_s
    current = f"time()-timestamp($marker)<clamp_min({LATE_AFTER_GAPS * window_s:g}/{times},{LATE_AFTER_S})"
    long_enough = f"$marker offset {duration(window_s * LEAST_WINDOW_RATIO)}"
    trusted = {Count.CURRENT: current, Count.REPORTING: f"{times}>={LEAST_SAMPLES} and ({current}) and {long_enough}"}
    fast = f"count_over_time($marker[{duration(window_s * FAST_RATIO)}])>={LEAST_SAMPLES}"
    return trusted | ({Count.FAST: fast} if one.preset.fast else {})


_OF_ONE_REQUEST = (RouteFigure.QUERIES_EACH, RouteFigure.SERIALIZATION_SECONDS_EACH, RouteFigure.RESPONSE_BYTES_EACH)


def routes(one: Asked) -> str:
    """
    Of each figure by route the largest: those of a request are chosen before they are divided, for a page that is asked for once an hour
    may read as much as it likes.
    """

    def largest(figures: Iterable[RouteFigure]) -> str:
        named = union(tagged(NAME, figure, one.promql(one.preset.routes[figure])) for figure in figures)
        summed = by_workload("sum", f"sum by(namespace,pod,{ROUTE},{NAME})({named})", ROUTE, NAME)
        return f"topk by(namespace,workload,{NAME})({ROUTES_MOST},{summed})"

    requests = f"sum by(namespace,pod,{ROUTE})({one.promql(one.preset.routes[RouteFigure.REQUESTS])})"
    each = f"{largest(_OF_ONE_REQUEST)}/on(namespace,workload,{ROUTE})group_left(){by_workload('sum', requests, ROUTE)}"
    plain = largest(figure for figure in one.preset.routes if figure not in _OF_ONE_REQUEST)
    return union([tagged("preset", one.preset.name, plain), tagged("preset", one.preset.name, each)])


def extremes(asked: Sequence[Asked]) -> str:
    """Pods that are not as they should be; the hottest and the largest worker; the loop lag that only one turn in a hundred exceeds."""
    odd = [
        one.pods("group", {Count.INCOMPLETE: one.preset.incomplete, Count.TWICE: f"count by(namespace,pod)({one.preset.scrapes})>1"})
        for one in asked
    ]
    slowest = [
        tagged("preset", one.preset.name, tagged(NAME, name, f"histogram_quantile(0.99,{_buckets(one, expression)})"))
        for one in asked
        for name, expression in one.preset.slowest.items()
    ]
    return union(
        [
            by_workload("sum", union(odd), "preset", NAME),
            _aggregated("max", asked, lambda preset: preset.largest),
            *slowest,
            *(fast(one) for one in asked if one.preset.fast),
        ]
    )


def fast(one: Asked) -> str:
    """Some figures, and the latency's buckets, over the short window; told apart by `FAST` before their names."""
    quick = replace(one, window_s=one.window_s * FAST_RATIO)
    known = {**one.preset.serving, **one.preset.resources}
    figures = union(tagged(NAME, FAST + figure, quick.promql(known[figure])) for figure in sorted(one.preset.fast))
    summed = by_workload("sum", f"sum by(namespace,pod,{NAME})({figures})", NAME)
    buckets = tagged(NAME, FAST, _buckets(quick, one.preset.buckets))
    return union([tagged("preset", one.preset.name, summed), tagged("preset", one.preset.name, buckets)])


def latency(asked: Sequence[Asked]) -> str:
    """The requests of each latency bucket: objectives differ, so each target reads its own percentile out of them; and calls to others."""
    buckets = [tagged("preset", one.preset.name, _buckets(one, one.preset.buckets)) for one in asked]
    calling = [one for one in asked if one.preset.others]
    return union([*buckets, *([_aggregated("sum", calling, lambda preset: preset.others)] if calling else [])])


def _buckets(one: Asked, expression: str) -> str:
    return by_workload("sum", f"sum by(namespace,pod,le)({one.promql(expression)})", "le")


def _aggregated(aggregation: str, asked: Sequence[Asked], part: Callable[[Preset], Mapping[Figure, str]]) -> str:
    return by_workload(aggregation, union(one.pods(aggregation, part(one.preset)) for one in asked), "preset", NAME)
