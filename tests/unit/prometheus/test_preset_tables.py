"""The presets as data: whole expressions, routes that are left out, a word in the spec and a row in the documentation for each."""

import re
from pathlib import Path

import pytest

from apituner.api.apituning import Preset as Word
from apituner.prometheus.presets.precedence import PRESETS
from apituner.prometheus.presets.preset import PROBES, Preset
from apituner.prometheus.presets.table import PAGE, page

ROOT = Path(__file__).resolve().parents[3]
ALL = [pytest.param(preset, id=preset.name) for preset in PRESETS]


def expressions(preset: Preset) -> dict[str, str]:
    """Return all PromQL of a preset, its holes filled."""
    parts = (preset.serving, preset.resources, preset.others, preset.largest, preset.slowest)
    found = {str(name): one for part in parts for name, one in part.items()}
    found |= {f"{name} by route": one for name, one in preset.routes.items()}
    found |= {"marker": preset.marker, "scrapes": preset.scrapes, "incomplete": preset.incomplete, "buckets": preset.buckets}
    return {name: preset.promql(one, pods='namespace=~"shop"', window="60s") for name, one in found.items()}


@pytest.mark.parametrize("preset", ALL)
def test_every_expression_is_whole(preset: Preset) -> None:
    """No hole is left, every selector names the namespaces, and every bracket is closed (the real parser reads them in tests/e2e)."""
    for name, one in expressions(preset).items():
        assert "$" not in one, name
        selectors = re.findall(r"\{([^}]*)\}", one)
        assert selectors, name
        assert all(selector.endswith('namespace=~"shop"') for selector in selectors), name
        plain = re.sub(r"'[^']*'|\"[^\"]*\"", "", one)
        assert [plain.count(bracket) for bracket in "([{"] == [plain.count(bracket) for bracket in ")]}"], name


@pytest.mark.parametrize(
    ("left_out", "route"),
    [
        pytest.param(True, "/metrics", id="the scrape"),
        pytest.param(True, "/metrics/{path}", id="the scrape of a mounted app"),
        pytest.param(True, "/healthz", id="a probe"),
        pytest.param(True, "/health/ready", id="a probe of a part"),
        pytest.param(True, "/livez", id="another probe"),
        pytest.param(True, "/readyz", id="yet another probe"),
        pytest.param(False, "/metricsets", id="a route that begins alike"),
        pytest.param(False, "/orders/{id}/health", id="a route that ends alike"),
        pytest.param(False, "/healthcare", id="a route about health"),
        pytest.param(False, "", id="no route"),
    ],
)
def test_routes_that_nobody_waits_for(left_out: bool, route: str) -> None:  # noqa: FBT001 - a column of the table
    """Probes and scrapes by their usual names, and nothing that a person could wait for."""
    assert left_out == bool(re.fullmatch(PROBES, route))


def test_the_spec_has_a_word_for_every_preset() -> None:
    """In the order of precedence, behind Auto."""
    assert [str(word) for word in Word] == ["Auto", *(preset.name for preset in PRESETS)]


def test_the_page_is_what_the_presets_say() -> None:
    """Whoever changes a preset runs `make presets`."""
    assert page() == (ROOT / PAGE).read_text(encoding="utf-8")
