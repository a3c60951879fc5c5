"""A status from one sweep to the next."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.kube.conditions import merged_conditions, timestamp
from apituner.kube.status import differs, merge_patch
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
_STATUSES = st.dictionaries(st.text("abc", min_size=1, max_size=1), _JSON, max_size=3)


@given(old=_STATUSES, new=_STATUSES)
def test_a_merge_patch_leaves_exactly_the_new_status(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Patched by the rules of RFC 7396, the old status says what the new one says: nothing of it stays behind."""
    assert not differs(patched(old, merge_patch(old, new)), new)


def patched(target: Any, patch: Any) -> Any:  # noqa: ANN401 - any JSON value
    """RFC 7396, section 2, to the letter."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value)
    return result
