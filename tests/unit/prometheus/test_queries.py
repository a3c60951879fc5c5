"""The six queries, word for word; and their number and size, which do not grow."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from apituner.prometheus.presets.apituner import APITUNER
from apituner.prometheus.presets.precedence import PRESETS
from apituner.prometheus.presets.preset import Preset
from apituner.prometheus.queries import FAST, MOST_URL_CHARACTERS, NAME, detection, sweep
from apituner.prometheus.series import Count, Figure, RouteFigure

GOLDEN = Path(__file__).parent / "golden"
QUERIES = ["detection", "coverage", "serving", "resources", "extremes", "latency"]


def texts(namespaces: Collection[str], presets: Sequence[Preset] = PRESETS, window_s: float = 60) -> Mapping[str, str]:
    """Return all queries by name, with every one of *presets* in play in every namespace."""
    return {"detection": detection(namespaces, window_s), **sweep(dict.fromkeys(presets, namespaces), window_s)}


@pytest.mark.parametrize("name", QUERIES)
def test_golden(name: str) -> None:
    """A query changes only on purpose: the file holds it, broken into lines."""
    query = texts(["shop"])[name]
    lines = (
        query.replace(" or label_replace", "\nor label_replace")
        .replace(',"workload"', '\n,"workload"')
        .replace("(label_replace", "(\nlabel_replace")
    )

    assert (GOLDEN / f"{name}.promql").read_text(encoding="utf-8") == lines + "\n"


@pytest.mark.parametrize(
    ("filtered", "presets", "namespaces"),
    [
        pytest.param(True, [APITUNER], ["shop"], id="one namespace"),
        pytest.param(True, [APITUNER], [f"team-{number:02}" for number in range(6)], id="six namespaces"),
        pytest.param(False, [APITUNER], [f"team-{number:03}" for number in range(500)], id="five hundred namespaces"),
        pytest.param(False, [APITUNER], ["x" * 63 + str(number) for number in range(20)], id="twenty long names"),
        pytest.param(False, PRESETS, ["shop"], id="every preset at once"),
        pytest.param(False, PRESETS, [f"team-{number:03}" for number in range(500)], id="every preset in five hundred namespaces"),
    ],
)
def test_a_url_is_never_too_long(filtered: bool, presets: Sequence[Preset], namespaces: list[str]) -> None:  # noqa: FBT001 - a column of the table
    """Namespaces are named while that fits into a URL that proxies accept; else all are asked for, and sorted out here."""
    queries = texts(namespaces, presets, window_s=3599.5)

    assert list(queries) == QUERIES
    assert max(len(quote_plus(query)) for query in queries.values()) <= MOST_URL_CHARACTERS
    assert all("namespace=~" in query for query in queries.values()) == filtered


def test_each_preset_is_asked_for_in_its_own_namespaces() -> None:
    """A metric of a common name is not looked for where nobody needs it, and a preset that nobody has not at all."""
    ours, other = PRESETS[0], PRESETS[2]
    query = sweep({ours: ["shop"], other: ["pay"]}, 60)["latency"]

    assert "http_server_request_duration_seconds_bucket{url_scheme='',namespace=~\"shop\"}" in query
    assert "starlette_request_duration_seconds_bucket" in query.partition('namespace=~"pay"')[0].rpartition("{")[0]
    assert "highr" not in query


def test_every_name_is_asked_for() -> None:
    """No figure and no count is read that no query gives."""
    queries = "".join(texts(["shop"]).values())

    fast = [FAST + figure for figure in APITUNER.fast]
    assert not [name for name in [*Figure, *Count, *RouteFigure, *fast, FAST] if f'"{NAME}","{name}"' not in queries]


def test_figures_and_counts_have_different_names() -> None:
    """They come back side by side."""
    assert {*map(str, Figure)}.isdisjoint(map(str, Count))


def test_a_namespace_cannot_change_a_query() -> None:
    """A name with quotes stays inside its quotes."""
    queries = texts(['x"} or vector(1) or up{a="'], [APITUNER])

    assert all(r'namespace=~"x\"\\} or vector\\(1\\) or up\\{a=\""' in query for query in queries.values())
