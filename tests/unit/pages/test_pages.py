"""The pages of the documentation say what the code says."""

from html import escape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pages import metrics, picture

_ROOT = Path(__file__).resolve().parents[3]


def test_the_table_of_metrics_is_that_of_the_code() -> None:
    """``make pages`` writes it anew."""
    assert metrics.page() == (_ROOT / metrics.PAGE).read_text(encoding="utf-8")


@pytest.mark.parametrize("panel", picture.PANELS, ids=lambda panel: panel.title)
def test_the_picture_shows_the_answer_to_each_query(panel: picture.Panel) -> None:
    """Each stands beside its lines, as Prometheus was asked for them."""
    drawn = (_ROOT / picture.PICTURE).read_text(encoding="utf-8")
    assert escape(panel.query) in drawn
    paths = [element for element in ET.fromstring(drawn).iter() if element.tag.endswith("path")]  # noqa: S314 - our own file
    assert len(paths) >= len(picture.PANELS)


def test_every_query_of_the_picture_asks_for_metrics_that_there_are() -> None:
    """A metric that is renamed must not stay in the documentation."""
    known = {f"{name}{suffix}" for name in metrics.metrics() for suffix in ("", "_total", "_sum", "_count")}
    for panel in picture.PANELS:
        asked = {word.split("(")[-1] for word in panel.query.replace("{", "[").split("[") if "(" in word or "_" in word}
        assert {name for name in asked if name.startswith(("apituning_", "http_"))} <= known | {"http_route"}


def test_the_readme_shows_the_picture_and_the_table() -> None:
    """And both are there."""
    readme = (_ROOT / "README.md").read_text(encoding="utf-8")
    for page in (metrics.PAGE, picture.PICTURE):
        assert f"({page})" in readme
        assert (_ROOT / page).is_file()
