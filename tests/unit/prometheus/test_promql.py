"""PromQL strings: whatever stands in a value, the query keeps its shape."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.prometheus.promql import by_workload, duration, literal, one_of, quoted, tagged

POD = re.compile(by_workload("sum", "x").split('"pod","')[1].removesuffix('"))'))


def unquoted(text: str) -> str:
    """Read a PromQL string back, as Go's ``strconv.Unquote`` would."""
    assert text[0] == text[-1] == '"'
    assert not re.search(r'(?<!\\)(?:\\\\)*"', text[1:-1]), "a quote ends the string too early"
    assert "\n" not in text
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text[1:-1])


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        pytest.param('"shop"', "shop", id="a plain value stays as it is"),
        pytest.param(r'"a\"b"', 'a"b', id="a quote does not end the string"),
        pytest.param(r'"a\\b"', r"a\b", id="a backslash means itself"),
        pytest.param(r'"a\nb"', "a\nb", id="a newline becomes its escape"),
        pytest.param(r'"\"} or vector(1) or up{x=\""', '"} or vector(1) or up{x="', id="nothing can be injected"),
    ],
)
def test_quoted(expected: str, value: str) -> None:
    """A value is quoted so that every character means itself."""
    assert expected == quoted(value)


@given(st.text())
def test_a_quoted_value_reads_back_as_itself(value: str) -> None:
    """Quoting loses nothing and lets nothing out."""
    assert value == unquoted(quoted(value))


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)), st.text(max_size=5))
def test_a_literal_matches_only_itself(value: str, other: str) -> None:
    """A pattern made of a value matches that value and no other."""
    assert re.fullmatch(literal(value), value)
    assert bool(re.fullmatch(literal(value), other)) == (value == other)


def test_one_of_is_sorted_escaped_and_without_repetition() -> None:
    """The same set of values always makes the same matcher."""
    assert one_of("namespace", ["b", "a.c", "b"]) == r'namespace=~"a\\.c|b"'


@pytest.mark.parametrize(
    ("expected", "seconds"),
    [pytest.param("60s", 60.0, id="whole seconds"), pytest.param("7500ms", 7.5, id="half a second is told in milliseconds")],
)
def test_duration(expected: str, seconds: float) -> None:
    """A duration is written exactly."""
    assert expected == duration(seconds)


def test_a_tag_names_its_expression() -> None:
    """Whatever the series were called, they now carry one more label."""
    assert tagged("atun", "cpu", "up") == 'label_replace(up,"atun","cpu","","")'


LONG = "l" * 50


@pytest.mark.parametrize(
    ("expected", "pod"),
    [
        pytest.param("orders", "orders-649d6c79b7-abcde".replace("abcde", "x2z4q"), id="a usual name"),
        pytest.param("orders-v2", "orders-v2-5d8f-x2z4q", id="dashes in the Deployment's name"),
        pytest.param("orders", "orders-7-x2z4q", id="a hash of one character"),
        pytest.param("api-worker", "api-worker-649d6c79b7-x2z4q", id="one name does not swallow a longer one"),
        pytest.param(LONG, (LONG + "-649d6c79b7-")[:58] + "x2z4q", id="a name cut short by the API server"),
        pytest.param(None, "db-0", id="a StatefulSet's pod"),
        pytest.param(None, "node-exporter-x2z4q", id="a DaemonSet's pod"),
        pytest.param(None, "orders-649d6c79b7-x2z4", id="a suffix of four characters"),
        pytest.param(None, "orders-64ad6c79b7-x2z4q", id="a vowel is never in a hash"),
        pytest.param(None, "x2z4q", id="a bare pod"),
    ],
)
def test_the_workload_is_read_off_the_name_of_the_pod(expected: str | None, pod: str) -> None:
    """Only names that a Deployment's pods can have give a workload, and they give the right one."""
    found = POD.fullmatch(pod)
    assert expected == (found and (found[1] or "") + (found[2] or ""))
