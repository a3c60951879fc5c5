"""The five queries, word for word; and their number and size, which do not grow."""

from pathlib import Path
from urllib.parse import quote_plus

import pytest

from apituner.prometheus.queries import MOST_URL_CHARACTERS, Sweep, sweep
from apituner.prometheus.series import Count, Figure

GOLDEN = Path(__file__).parent / "golden"


def texts(queries: Sweep) -> dict[str, str]:
    """Return all queries by name."""
    return {"coverage": queries.coverage, **queries.readings}


@pytest.mark.parametrize("name", ["coverage", "serving", "database", "extremes", "latency"])
def test_golden(name: str) -> None:
    """A query changes only on purpose: the file holds it, broken into lines."""
    query = texts(sweep(["shop", "pay"], 60))[name]
    lines = (
        query.replace(" or ", "\nor ")
        .replace(',"workload"', '\n,"workload"')
        .replace("label_replace(label_replace", "label_replace(\nlabel_replace")
    )

    assert (GOLDEN / f"{name}.promql").read_text(encoding="utf-8") == lines + "\n"


@pytest.mark.parametrize(
    ("filtered", "namespaces"),
    [
        pytest.param(True, ["shop"], id="one namespace"),
        pytest.param(True, [f"team-{number:02}" for number in range(25)], id="twenty-five namespaces"),
        pytest.param(False, [f"team-{number:03}" for number in range(500)], id="five hundred namespaces"),
        pytest.param(False, ["x" * 63 + str(number) for number in range(20)], id="twenty long names"),
    ],
)
def test_a_url_is_never_too_long(filtered: bool, namespaces: list[str]) -> None:  # noqa: FBT001 - a column of the table
    """Namespaces are named while that fits into a URL that proxies accept; else all are asked for, and sorted out here."""
    queries = texts(sweep(namespaces, 60))

    assert len(queries) == 5
    assert max(len(quote_plus(query)) for query in queries.values()) <= MOST_URL_CHARACTERS
    assert all(("namespace=~" in query) == filtered for query in queries.values())


def test_every_name_is_asked_for() -> None:
    """No figure and no count is read that no query gives."""
    queries = "".join(texts(sweep(["shop"], 60)).values())

    assert not [name for name in [*Figure, *Count] if f'"signal","{name}"' not in queries]


def test_a_namespace_cannot_change_a_query() -> None:
    """A name with quotes stays inside its quotes."""
    queries = texts(sweep(['x"} or vector(1) or up{a="'], 60))

    assert all(r'namespace=~"x\"\\} or vector\\(1\\) or up\\{a=\""' in query for query in queries.values())
