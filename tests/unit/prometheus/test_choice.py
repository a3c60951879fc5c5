"""Which exporter is read: the one that is named, else the first in a fixed order; and a sentence where there is none to read."""

import itertools
import math
from dataclasses import replace

import pytest

from apituner.core.snapshot import Absence, Unobserved
from apituner.ports import Target
from apituner.prometheus.choice import Numbers, choose, in_play
from apituner.prometheus.presets.apituner import APITUNER
from apituner.prometheus.presets.opentelemetry import OPENTELEMETRY
from apituner.prometheus.presets.opentelemetry_old import OPENTELEMETRY_OLD
from apituner.prometheus.presets.precedence import PRESETS
from apituner.prometheus.presets.preset import Preset
from apituner.prometheus.presets.prometheus_fastapi_instrumentator import PROMETHEUS_FASTAPI_INSTRUMENTATOR
from apituner.prometheus.presets.starlette_exporter import STARLETTE_EXPORTER
from apituner.prometheus.series import Count
from deployments import a_target

SEEN: dict[str, float] = {Count.SEEN: 2.0}
CURRENT: dict[str, float] = {Count.SEEN: 2.0, Count.CURRENT: 2.0}
PFI = PROMETHEUS_FASTAPI_INSTRUMENTATOR


def numbers(of: dict[Preset | None, dict[str, float]]) -> Numbers:
    """Return what Prometheus told of `shop/orders`, by preset."""
    return {("shop", "orders", preset.name if preset else ""): dict(counts) for preset, counts in of.items()}


@pytest.mark.parametrize(
    ("expected", "named", "found"),
    [
        *(pytest.param(preset, None, {preset: CURRENT}, id=f"{preset.name} alone") for preset in PRESETS),
        *(
            pytest.param(better, None, {worse: CURRENT, better: CURRENT}, id=f"{better.name} before {worse.name}")
            for better, worse in itertools.pairwise(PRESETS)
        ),
        pytest.param(PFI, "PrometheusFastapiInstrumentator", {APITUNER: CURRENT, PFI: CURRENT}, id="the one that is named, not the first"),
        pytest.param(PFI, None, {APITUNER: SEEN, PFI: CURRENT}, id="one that is no longer scraped yields to one that is"),
        pytest.param(APITUNER, None, {APITUNER: SEEN, PFI: SEEN}, id="of two that are no longer scraped, the first"),
        pytest.param(APITUNER, "Apituner", {APITUNER: SEEN, PFI: CURRENT}, id="one that is named yields to none"),
        pytest.param(PFI, None, {APITUNER: {Count.SEEN: 0.0}, PFI: CURRENT}, id="a count of none is none"),
        pytest.param(PFI, None, {APITUNER: {Count.SEEN: math.nan}, PFI: CURRENT}, id="a count that is no number is none"),
    ],
)
def test_the_preset_that_is_read(expected: Preset, named: str | None, found: dict[Preset | None, dict[str, float]]) -> None:
    """Ours first, then the rest in the order of precedence; what is named is read whatever else there is."""
    assert expected is choose(a_target(preset=named), numbers(found))


def test_the_order_is_fixed() -> None:
    """The order of the table in the documentation, ours first."""
    assert PRESETS == (APITUNER, OPENTELEMETRY, STARLETTE_EXPORTER, PFI, OPENTELEMETRY_OLD)


@pytest.mark.parametrize(
    ("expected", "words", "target", "found"),
    [
        pytest.param(
            Absence.NO_SERIES,
            [
                "has no series from pods of Deployment shop/orders",
                "instrument(app, engine=engine)",
                "prometheus.io/scrape",
                "labels namespace",
            ],
            a_target(),
            {},
            id="nothing is scraped",
        ),
        pytest.param(
            Absence.NO_SERIES,
            ["scrapes 2 pods", "prometheus-fastapi-instrumentator", "before the first request", "instrument(app, engine=engine)", "9464"],
            a_target(),
            {None: {Count.SCRAPED: 2.0}},
            id="what is scraped has no exporter that is known, or has served nothing yet",
        ),
        pytest.param(
            Absence.PRESET_NOT_FOUND,
            [
                "no series of starlette_exporter",
                "those of OpenTelemetry and prometheus-fastapi-",
                "write OpenTelemetry or Auto in spec.metrics",
            ],
            a_target(preset="StarletteExporter"),
            {OPENTELEMETRY: CURRENT, PFI: CURRENT},
            id="another exporter than the spec names",
        ),
        pytest.param(
            Absence.NO_SERIES, ["has no series from"], a_target(preset="StarletteExporter"), {}, id="none at all, whatever the spec names"
        ),
        pytest.param(Absence.NO_SERIES, ["at most 56 characters"], a_target(deployment="x" * 57), {}, id="pods that lose their name"),
    ],
)
def test_nothing_to_read(expected: Absence, words: list[str], target: Target, found: dict[Preset | None, dict[str, float]]) -> None:
    """The sentence says what is wrong, what is there instead, and what to do."""
    answer = choose(target, numbers(found))

    assert isinstance(answer, Unobserved)
    assert expected is answer.reason
    assert [word for word in words if word not in answer.because] == []


def test_only_what_is_there_and_wanted_is_asked_for() -> None:
    """Each preset in the namespaces of its own targets; one that the spec rules out is not asked for, though it is there."""
    orders, carts, named = a_target(), a_target(namespace="pay", deployment="carts"), a_target(namespace="named", preset="OpenTelemetry")
    found: Numbers = {
        ("shop", "orders", APITUNER.name): SEEN,
        ("shop", "orders", PFI.name): SEEN,
        ("pay", "carts", PFI.name): SEEN,
        ("named", "orders", OPENTELEMETRY.name): SEEN,
        ("named", "orders", PFI.name): SEEN,
        ("elsewhere", "orders", STARLETTE_EXPORTER.name): SEEN,
    }

    assert in_play([orders, carts, named], found) == {APITUNER: ("shop",), OPENTELEMETRY: ("named",), PFI: ("shop", "pay")}
    assert in_play([replace(orders, deployment="other")], found) == {}
