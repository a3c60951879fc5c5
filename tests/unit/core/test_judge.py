"""What came of a change: judged at like load, by whole windows of its own pods, and twice before it is called worse."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies  # noqa: F401 - sets the profile of the properties
from apituner.core.change import Change, Figures, Outcome
from apituner.core.judge import Judgement, Waiting, figures, judge
from builders import HEALTHY, NOON, a_configuration, a_policy, a_snapshot

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
BEFORE = Figures.rounded(arrivals_rps=90, latency_s=0.4, errors_ratio=0.01)


def a_change(**changes: Any) -> Change:  # noqa: ANN401 - any field of a Change
    """Return a change that is in force since noon; before it p95 was 400 ms, 250 ms are wanted."""
    change = Change(
        plan="p",
        at=NOON - MINUTE,
        reason="PoolStarved",
        because="",
        outcome=Outcome.SETTLING,
        before=a_configuration(),
        target=a_configuration(pool_size=6),
        seen_before=BEFORE,
        settled_at=NOON,
    )
    return replace(change, **changes)


def judged(
    latency_s: float,
    *,
    after: timedelta = 2 * MINUTE,
    rps: float = 90,
    errors: float = 0,
    expected_s: float | None = None,
    **changes: Any,  # noqa: ANN401
) -> Judgement | Waiting:
    """Judge by a window that ended so long after noon; the loop's lag is left out."""
    seen = a_snapshot(
        taken_at=NOON + after, requests_rps=rps, latency_objective_s=latency_s, errors_ratio=errors, loop_lag_mean_s=0, loop_lag_p99_s=0
    )
    return judge(a_change(**changes), seen, a_policy(), expected_s=expected_s)


@pytest.mark.parametrize(
    ("expected", "latency_s", "more"),
    [
        pytest.param(Outcome.IMPROVED, 0.25, {}, id="the objective is met"),
        pytest.param(Outcome.IMPROVED, 0.36, {}, id="a tenth faster"),
        pytest.param(Outcome.NO_BETTER, 0.361, {}, id="hardly faster"),
        pytest.param(Outcome.NO_BETTER, 0.5, {}, id="a quarter slower: within what model and window err"),
        pytest.param(Outcome.WORSE, 0.501, {}, id="slower still"),
        pytest.param(Outcome.WORSE, 0.1, {"errors": 0.021}, id="faster, but one in a hundred fails more than before"),
        pytest.param(Outcome.NO_BETTER, 0.4, {"errors": 0.02}, id="a few more fail"),
        pytest.param(Outcome.IMPROVED, 0.3, {"rps": 108}, id="a fifth more load is like load"),
        pytest.param(Outcome.IMPROVED, 0.2, {"rps": 300}, id="the objective met at more load than before needs no comparison"),
        pytest.param(Outcome.NO_BETTER, 0.6, {"rps": 108, "expected_s": 0.6}, id="more load would have been slower before, too"),
        pytest.param(Outcome.WORSE, 0.6, {"rps": 90, "expected_s": 0.6}, id="at the same load what was seen counts, not the model"),
        pytest.param(Outcome.WORSE, 0.6, {"rps": 72, "expected_s": 0.6}, id="nor at a little less"),
        pytest.param(Outcome.NO_BETTER, 0.9, {"rps": 180, "expected_s": 0.9}, id="twice the load, as the model expected of before"),
        pytest.param(Outcome.IMPROVED, 0.8, {"rps": 180, "expected_s": 0.9}, id="twice the load, and better than that"),
        pytest.param(Outcome.WORSE, 0.38, {"rps": 45, "expected_s": 0.3}, id="half the load, and worse than that"),
    ],
)
def test_p4_a_change_is_judged_at_like_load(expected: Outcome, latency_s: float, more: dict[str, Any]) -> None:
    """By two whole windows; the numbers stand in the sentence."""
    found = judged(latency_s, **more)

    assert isinstance(found, Judgement)
    assert (expected, latency_s) == (found.outcome, found.latency_s)
    assert f"p95 is {latency_s * 1e3:.0f} ms" in found.because


@pytest.mark.parametrize(
    ("retry_after_s", "latency_s", "more"),
    [
        pytest.param(1, 0.1, {"after": 59 * SECOND}, id="a second short of a window, however good it looks"),
        pytest.param(60, 0.6, {"after": MINUTE}, id="what looks worse is seen twice: the last pod may still be cold"),
        pytest.param(1, 0.6, {"after": 119 * SECOND}, id="a second short of two windows"),
        pytest.param(480, 0.6, {"rps": 109}, id="more than a fifth more load, and no model to scale by"),
        pytest.param(480, 0.6, {"rps": 71}, id="more than a fifth less"),
        pytest.param(480, 0.6, {"rps": 181, "expected_s": 0.9}, id="more than twice the load: no model reaches so far"),
        pytest.param(480, 0.2, {"rps": 44, "expected_s": 0.1}, id="less than half: meeting the objective proves nothing"),
    ],
)
def test_p4_what_cannot_be_judged_yet_waits(retry_after_s: float, latency_s: float, more: dict[str, Any]) -> None:
    """And says for how long."""
    found = judged(latency_s, **more)

    assert isinstance(found, Waiting)
    assert found.because
    assert retry_after_s == found.retry_after_s


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        pytest.param(10 * MINUTE, {}, id="the load was not alike for ten minutes"),
        pytest.param(SECOND, {"seen_before": None}, id="nothing was seen before it"),
    ],
)
def test_what_can_never_be_judged_is_kept(after: timedelta, changes: dict[str, Any]) -> None:
    """It is in force, and nobody can say that it made things worse."""
    found = judged(0.6, after=after, rps=300, **changes)

    assert isinstance(found, Judgement)
    assert found.outcome is Outcome.APPLIED


def test_a_change_of_an_older_version_counts_from_its_decision() -> None:
    """It did not note when it was in force."""
    assert isinstance(judged(0.1, after=timedelta(0), settled_at=None), Judgement)


def test_what_is_compared_is_rounded_as_the_status_rounds() -> None:
    """A restart judges by the same numbers: requests of a minute, milliseconds, errors of a thousand."""
    seen = a_snapshot(requests_rps=90.0083, latency_objective_s=0.9004, errors_ratio=0.01234, loop_lag_mean_s=0.0)

    assert Figures(arrivals_rps=90, latency_s=0.9, errors_ratio=0.012) == figures(seen, a_policy())


@settings(max_examples=1000)
@given(latency_s=st.floats(0, 2), after_s=st.integers(0, 1200), rps=st.floats(1, 400), expected_s=st.none() | st.floats(0.01, 2))
def test_p1_a_change_that_meets_the_objective_is_never_undone(latency_s: float, after_s: int, rps: float, expected_s: float | None) -> None:
    """Worse needs a missed objective, two windows, and a load that can be compared."""
    found = judged(latency_s, after=timedelta(seconds=after_s), rps=rps, expected_s=expected_s)

    if isinstance(found, Judgement) and found.outcome is Outcome.WORSE:
        assert latency_s > 0.25
        assert after_s >= 120
        assert 45 <= rps <= 180
    if after_s >= 600:
        assert isinstance(found, Judgement)


def test_a_healthy_api_is_improved() -> None:
    """The stories' own figures."""
    found = judge(a_change(), a_snapshot(taken_at=NOON + MINUTE, **HEALTHY), a_policy())

    assert isinstance(found, Judgement)
    assert found.outcome is Outcome.IMPROVED
