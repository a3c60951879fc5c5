"""A record of the application log is one line that any parser takes, whatever is in it."""

import json
import logging
from typing import Any

import pytest

from apituner.fastapi.operations.application import LineFormatter


class _Silent:
    """Something that cannot be written."""

    def __str__(self) -> str:
        raise ValueError


def _deep() -> list[object]:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    return deep


def _within_itself() -> dict[str, object]:
    circle: dict[str, object] = {}
    circle["again"] = circle
    return circle


_ODD = [
    pytest.param("nan", {"odd": float("nan")}, id="no number"),
    pytest.param("{(1, 2): 3}", {"odd": {(1, 2): 3}}, id="keys that are no words"),
    pytest.param("x" * 2_000, {"odd": "x" * 10_000_000}, id="10 MB"),
    pytest.param("\U0001f600" * 166, {"odd": "\U0001f600" * 100_000}, id="what takes twelve times the place when it is written"),
    pytest.param("{'again': {...}}", {"odd": _within_itself()}, id="a circle"),
    pytest.param("<list>", {"odd": _deep()}, id="deeper than can be written"),
    pytest.param("<int>", {"odd": 10**5_000}, id="a number with more digits than can be written"),
    pytest.param("<_Silent>", {"odd": _Silent()}, id="what cannot be written"),
    pytest.param("yes", {"odd": "yes", **{f"more{number}": "y" * 900 for number in range(1_000)}}, id="very many"),
    pytest.param({"skus": ["tea", None]}, {"odd": {"skus": ["tea", None]}}, id="what JSON has stays as it is"),
]


@pytest.mark.parametrize("message", ["packed", "\U0001f600" * 20_000], ids=["a short message", "a long one"])
@pytest.mark.parametrize(("expected", "given"), _ODD)
def test_a_record_with_odd_fields_is_one_short_line(expected: object, given: dict[str, Any], message: str) -> None:
    """It is written whatever is in it, as JSON that any parser takes, and no longer than a shipper leaves in one piece."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    for trace in (None, "Stack: here\n" * 5_000):
        record = logging.getLogger().makeRecord("shop", logging.INFO, __file__, 1, message, (), None, extra=given, sinfo=trace)
        line, words = (LineFormatter(as_json=as_json).format(record) for as_json in (True, False))
        written = json.loads(line, parse_constant=refuse)
        assert expected == written["odd"]
        assert message.startswith(written["message"])
        assert max(len(line), len(words)) <= 16 * 2**10
        assert (line + words).isascii()
        assert (line + words).isprintable()


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_where_a_record_was_logged_is_kept(as_json: bool) -> None:  # noqa: FBT001 - a parameter
    """``stack_info=True`` asks for it, with an exception and without."""
    record = logging.getLogger().makeRecord("shop", logging.INFO, __file__, 1, "packed", (), None, sinfo='File "shop.py", line 7')
    line = LineFormatter(as_json=as_json).format(record)
    assert 'File \\"shop.py\\", line 7' in line
    assert "stack" in line


def test_the_name_of_a_field_forges_nothing() -> None:
    """In a log of words, too."""
    record = logging.getLogger().makeRecord("shop", logging.INFO, __file__, 1, "packed", (), None, extra={"a\nERROR forged": 'said "no"'})
    assert LineFormatter(as_json=False).format(record).endswith('packed a\\nERROR forged=said \\"no\\"')
