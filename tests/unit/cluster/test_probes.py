"""How answers to a probe add up."""

import pytest

from cluster.node.probes import Timing, Verdict, port


@pytest.mark.parametrize(
    ("expected", "healthy", "answers"),
    [
        pytest.param("R", False, "+", id="one success makes ready"),
        pytest.param("R", True, "--", id="two failures of three change nothing"),
        pytest.param("U", True, "---", id="three failures in a row do"),
        pytest.param("R", True, "--+--", id="a success between them starts the count anew"),
        pytest.param("R", True, "---+", id="and one success makes ready again"),
    ],
)
def test_verdict(expected: str, healthy: bool, answers: str) -> None:  # noqa: FBT001 -- a column of the table
    """With the API's default thresholds, 1 success and 3 failures."""
    verdict = Verdict(healthy=healthy, timing=Timing.of({}))
    for answer in answers:
        verdict.hear(success=answer == "+")

    assert expected == ("R" if verdict.healthy else "U")


def test_a_port_may_be_named() -> None:
    """By number, by a number as text, or by the name that the container gives it."""
    container = {"ports": [{"name": "http", "containerPort": 8080}]}

    assert [port(stated, container) for stated in (9000, "9000", "http")] == [9000, 9000, 8080]
