"""The connection budget of a line, as the ledger of a sweep would have it."""

from typing import Any

import pytest

from apituner.cli.filter.brain import Brain
from apituner.cli.filter.drawn import drawn
from apituner.cli.filter.malformed import validated
from apituner.cli.filter.question import BudgetPart
from apituner.core.policy import ConnectionLimit
from questions import GONE, a_line, asked, first, story


@pytest.mark.parametrize(
    ("expected", "limit", "granted", "free"),
    [
        pytest.param(76, 90, 42, 34, id="what it has and what nobody has"),
        pytest.param(90, 90, 0, 90, id="all of it"),
        pytest.param(90, 90, 60, 60, id="never more than there are"),
        pytest.param(30, 90, 42, -12, id="overdrawn: less than it has"),
        pytest.param(0, 90, 4, -12, id="never less than none"),
    ],
)
def test_limit(expected: int, limit: int, granted: int, free: int) -> None:
    """Granted and free, within the limit."""
    found = drawn(validated(BudgetPart, {"limit": limit, "grantedToThis": granted, "free": free}), named=True)

    assert isinstance(found.limit, ConnectionLimit)
    assert expected == found.limit.connections
    assert (free < 0) == (found.overdrawn is not None)


def test_a_budget_holds_a_change_that_does_not_fit() -> None:
    """And the sentence tells of the others."""
    answers = story(Brain(), *[{"budget": {"limit": 90, "grantedToThis": 4, "free": 1}}] * 4)

    assert "Apply" not in [answer["decision"]["kind"] for answer in answers]
    assert "90 connections in all, 85 held by other APIs" in answers[-1]["decision"]["because"]


def test_a_budget_that_is_named_and_not_told_is_not_unlimited() -> None:
    """Every change waits, and the reason says what to write."""
    answers = story(Brain(), *[{"budget": None}] * 4)

    assert {("Hold", "BudgetNotFound")} == {(one["decision"]["kind"], one["decision"]["reason"]) for one in answers}
    assert all(one["decision"]["step"] is None for one in answers)
    assert "lastChange" not in answers[-1]["status"]


@pytest.mark.parametrize("budget", [None, {"limit": 90, "grantedToThis": 4, "free": 34}])
def test_a_budget_need_not_be_named(budget: dict[str, Any] | None) -> None:
    """Without a reference in the spec there may be none, and one that is told holds."""
    _, applied = first("Apply", Brain(), {"spec.connectionBudgetRef": GONE, "budget": budget})
    condition = next(one for one in applied["status"]["conditions"] if one["type"] == "WithinBudget")

    assert ("NoBudget" if budget is None else "Fits") == condition["reason"]


def test_an_overdrawn_budget_is_told() -> None:
    """As a fault of the condition, while the API is decided on all the same."""
    answer = asked(Brain(), a_line({"budget": {"limit": 90, "grantedToThis": 4, "free": -3}}))
    condition = next(one for one in answer["status"]["conditions"] if one["type"] == "WithinBudget")

    assert ("False", "BudgetOverdrawn") == (condition["status"], condition["reason"])
