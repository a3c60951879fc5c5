"""A status from one sweep to the next."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.api.words import timestamp
from apituner.kube.conditions import merged_conditions
from apituner.kube.nulls import without_nulls
from apituner.kube.status import differs
from builders import NOON

_EARLIER = timestamp(NOON - timedelta(hours=1))


def a_condition(status: str = "True", **changes: str) -> dict[str, str]:
    """Return Ready, as the status holds it."""
    return {"type": "Ready", "status": status, "reason": "Settled", "message": "at rest", **changes}


@pytest.mark.parametrize(
    ("expected", "old"),
    [
        pytest.param(timestamp(NOON), [], id="never seen before"),
        pytest.param(_EARLIER, [a_condition(lastTransitionTime=_EARLIER)], id="unchanged"),
        pytest.param(_EARLIER, [a_condition(lastTransitionTime=_EARLIER, message="m", reason="R")], id="a new message is no transition"),
        pytest.param(timestamp(NOON), [a_condition("False", lastTransitionTime=_EARLIER)], id="turned"),
        pytest.param(timestamp(NOON), [a_condition(type="Settled", lastTransitionTime=_EARLIER)], id="another condition's time"),
    ],
)
def test_the_transition_time_moves_with_the_status_only(expected: str, old: list[dict[str, str]]) -> None:
    """As metav1.Condition promises it."""
    (merged,) = merged_conditions(old, [a_condition()], NOON)

    assert expected == merged["lastTransitionTime"]


def test_conditions_are_bounded() -> None:
    """A bug upstream cannot grow the object without end."""
    merged = merged_conditions([], [a_condition(type=f"T{n}", message="x" * 5000) for n in range(50)], NOON)

    assert (len(merged), len(merged[0]["message"])) == (16, 1024)


@pytest.mark.parametrize(
    ("expected", "old", "new"),
    [
        pytest.param(False, {}, {"recommendation": None}, id="null is absence"),
        pytest.param(False, {"a": {"b": 1}}, {"a": {"b": 1, "c": None}}, id="also deeper"),
        pytest.param(False, {"history": [{"plan": "p"}]}, {"history": [{"plan": "p", "from": None}]}, id="also in a list"),
        pytest.param(True, {"a": 1}, {}, id="something is left out"),
        pytest.param(True, {"a": 1}, {"a": 2}, id="a number has moved"),
        pytest.param(True, {}, {"history": []}, id="an empty list says something"),
        pytest.param(
            False,
            {"conditions": [a_condition(), a_condition(type="Settled")]},
            {"conditions": [a_condition(type="Settled"), a_condition()]},
            id="the order of conditions says nothing",
        ),
        pytest.param(True, {"conditions": [a_condition()]}, {"conditions": [a_condition(message="new")]}, id="a new message is news"),
    ],
)
def test_a_status_differs_when_it_says_something_else(expected: bool, old: dict[str, Any], new: dict[str, Any]) -> None:  # noqa: FBT001
    """Only then is it written."""
    assert expected == differs(old, new)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=1), inner, max_size=3),
    max_leaves=12,
)


@given(status=st.dictionaries(st.text("abc", min_size=1, max_size=1), _JSON, max_size=3))
def test_what_is_written_reads_back_as_no_news(status: dict[str, Any]) -> None:
    """What goes over the wire holds no null outside lists of plain values, and is not written a second time."""
    assert not differs(without_nulls(status), status)
