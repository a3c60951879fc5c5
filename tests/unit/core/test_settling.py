"""A change that is in force is kept or undone; what made things worse is not tried again for a while."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apituner.core.change import Change, Figures, Outcome
from apituner.core.configuration import Configuration, Knob
from apituner.core.decide import decide
from apituner.core.decision import Decision, DecisionKind
from apituner.core.diagnosis import Bottleneck
from apituner.core.memory import Memory
from apituner.core.policy import Bounds, ConnectionLimit, Mode
from apituner.core.progress import continued
from builders import HEALTHY, NOON, a_configuration, a_policy, a_situation, a_snapshot, a_workload

BEFORE, TARGET = a_configuration(), a_configuration(pool_size=6)
FEWER = a_configuration(4, pool_size=6), a_configuration(2, pool_size=6)
MORE = FEWER[1], FEWER[0]
WORSE: dict[str, Any] = {"latency_objective_s": 1.3}
"""A quarter slower than the 902 ms before, and more."""


def a_change(before: Configuration = BEFORE, target: Configuration = TARGET, **changes: Any) -> Change:  # noqa: ANN401 - any field of a Change
    """Return a change that has been in force for two windows."""
    change = Change(
        plan="a1b2c3d4",
        at=NOON - timedelta(minutes=5),
        reason="PoolStarved",
        because="the pool is starved",
        outcome=Outcome.SETTLING,
        before=before,
        target=target,
        seen_before=Figures.rounded(arrivals_rps=90, latency_s=0.902, errors_ratio=0),
        forecast_latency_s=0.1,
        settled_at=NOON - timedelta(minutes=2),
    )
    return replace(change, **changes)


def told(
    change: Change | None = None,
    *,
    readings: dict[str, Any] | None = None,
    at: Configuration | None = None,
    **changes: Any,  # noqa: ANN401 - any field of a Situation
) -> Decision:
    """Decide while *change* waits for its judgement, its target in force."""
    change = change or a_change()
    at = at or change.target
    memory = Memory(bottleneck=Bottleneck.POOL_STARVED, since=NOON - timedelta(hours=1), change=change)
    return decide(a_situation(at, memory=memory, **{"seen": a_snapshot(at, **(readings or {})), **changes}))


@pytest.mark.parametrize(
    ("expected", "reason", "readings"),
    [
        pytest.param(Outcome.IMPROVED, "ChangeImproved", HEALTHY, id="better"),
        pytest.param(Outcome.NO_BETTER, "ChangeNoBetter", {}, id="no better"),
    ],
)
def test_p11_what_came_is_kept_beside_what_was_forecast(expected: Outcome, reason: str, readings: dict[str, Any]) -> None:
    """The change ends, and nothing is written to the Deployment."""
    found = told(readings=readings)

    assert (found.kind, found.reason, found.step) == (DecisionKind.KEEP, reason, None)
    assert found.memory.under_way is None
    done = found.memory.history[0]
    assert (done.outcome, done.forecast_latency_s) == (expected, 0.1)
    assert done.outcome_latency_s == (0.102 if readings else 0.902)
    assert done.forecast_error == pytest.approx(abs(0.1 / done.outcome_latency_s - 1))


def test_p4_a_rollout_that_made_things_worse_is_undone_at_once() -> None:
    """One rollout back, no guard asked, the point blocked for an hour; worse stands in the history, the way back is under way."""
    found = told(readings=WORSE)

    assert (found.kind, found.reason, str(found.step)) == (DecisionKind.APPLY, "Reverting", "roll out 1 workers x pool 2, overflow 0")
    change = found.memory.change
    assert change is not None
    assert (change.before, change.target, change.reverts, change.outcome) == (TARGET, BEFORE, "a1b2c3d4", Outcome.APPLYING)
    assert "1302 ms, 902 ms before at like load" in change.because
    assert found.memory.history[0].outcome is Outcome.WORSE
    assert found.memory.blocked(BEFORE, TARGET, NOON + timedelta(minutes=59)) is not None
    assert found.memory.rollouts_since(NOON, timedelta(days=1)) == 2


def test_p4_what_was_undone_is_not_tried_again() -> None:
    """Once the old pods are back, the same proposal is held for the rest of the hour; then it may be tried again."""
    reverting = told(readings=WORSE).memory
    back = decide(a_situation(BEFORE, memory=reverting))
    assert (back.reason, len(back.memory.history)) == ("ChangeReverted", 2)

    later = decide(a_situation(BEFORE, memory=replace(back.memory, since=NOON - timedelta(hours=1)), now=NOON + timedelta(minutes=30)))
    assert later.recommendation is not None
    assert later.kind is DecisionKind.HOLD
    blocked = later.memory.blocked(BEFORE, later.recommendation.plan.target, NOON + timedelta(minutes=30))
    assert blocked is not None


def test_p1_pods_that_were_too_few_come_back() -> None:
    """Giving them up made things worse, at like load: undone by a scale."""
    found = told(a_change(*FEWER), readings=WORSE)

    assert (found.kind, str(found.step)) == (DecisionKind.APPLY, "scale to 4 replicas")


def test_p1_more_pods_are_not_taken_away_on_one_comparison() -> None:
    """It is told, and exactly as many are not tried again; the load may be about to need them."""
    found = told(a_change(*MORE), readings=WORSE)

    assert (found.kind, found.reason, found.step) == (DecisionKind.KEEP, "ChangeWorse", None)
    assert found.memory.under_way is None
    assert found.memory.blocked(*MORE, NOON) is not None


@pytest.mark.parametrize(
    ("says", "changes"),
    [
        pytest.param("no longer lets the operator act", {"policy": a_policy(mode=Mode.RECOMMEND)}, id="only to recommend by now"),
        pytest.param("no longer lets the operator act", {"policy": a_policy(suspended=True)}, id="suspended by now"),
        pytest.param(
            "pool 2 is not within the bounds",
            {"policy": a_policy(knobs={**a_policy().knobs, Knob.POOL: Bounds(least=4, most=30)})},
            id="what was before is out of bounds by now",
        ),
        pytest.param(
            "15 are allowed (held by others)",
            {"policy": a_policy(connection_limit=ConnectionLimit(connections=15, because="held by others"))},
            id="no order of the way back fits the budget",
        ),
    ],
)
def test_p3_a_revert_that_must_not_be_is_reported(says: str, changes: dict[str, Any]) -> None:
    """The same budget, the same bounds, the same mode as for any change; the point is blocked all the same."""
    found = told(readings=WORSE, **changes)

    assert (found.kind, found.reason, found.step) == (DecisionKind.HOLD, "RevertFailed", None)
    assert says in found.because
    assert found.memory.under_way is None
    assert found.memory.blocks


def test_p3_pods_that_are_no_knob_any_more_do_not_come_back() -> None:
    """Nothing is left to undo."""
    policy = a_policy(knobs={Knob.POOL: Bounds(least=2, most=30)})
    found = told(a_change(*FEWER), readings=WORSE, policy=policy)

    assert (found.reason, "no longer names replicas" in found.because) == ("RevertFailed", True)


def test_p4_a_revert_that_fails_says_so() -> None:
    """Somebody else set something meanwhile."""
    revert = a_change(TARGET, BEFORE, outcome=Outcome.APPLYING, reverts="a1b2c3d4")
    found = told(revert, at=a_configuration(pool_size=9))

    assert (found.kind, found.reason) == (DecisionKind.HOLD, "RevertFailed")
    assert found.memory.history[0].outcome is Outcome.ABANDONED


@pytest.mark.parametrize(
    ("says", "at", "workload"),
    [
        pytest.param("somebody else set", a_configuration(pool_size=9), {}, id="another setting"),
        pytest.param("somebody else scaled to 3", a_configuration(3, pool_size=6), {}, id="another number of pods"),
        pytest.param("another pod template", TARGET, {"template_hash": "new"}, id="another release"),
    ],
)
def test_p4_what_cannot_be_told_apart_is_not_judged(says: str, at: Configuration, workload: dict[str, Any]) -> None:
    """Whatever the figures say, it is kept, and nothing is undone."""
    found = told(at=at, readings=WORSE, workload=a_workload(at, **workload))

    assert (found.kind, found.reason, found.step) == (DecisionKind.KEEP, "ChangeNotJudged", None)
    assert says in found.because
    assert found.memory.history[0].outcome is Outcome.APPLIED


def test_an_autoscaler_that_moves_the_pods_does_not_end_a_judgement() -> None:
    """They are its to move."""
    policy = a_policy(knobs={Knob.POOL: Bounds(least=2, most=30)})

    assert told(at=a_configuration(3, pool_size=6), readings=HEALTHY, policy=policy).reason == "ChangeImproved"


@pytest.mark.parametrize(
    ("reason", "readings", "workload"),
    [
        pytest.param("RolloutInProgress", HEALTHY, {"total_replicas": 3}, id="old pods are back: somebody is rolling out"),
        pytest.param("DeploymentPaused", WORSE, {"paused": True}, id="it cannot be undone while a person has to mend something"),
    ],
)
def test_a_judgement_can_wait(reason: str, readings: dict[str, Any], workload: dict[str, Any]) -> None:
    """The change stays as it is."""
    found = told(readings=readings, workload=a_workload(TARGET, **workload))

    assert (found.kind, found.reason) == (DecisionKind.HOLD, reason)
    assert found.memory.under_way == a_change()


STUCK = {"updated_replicas": 1, "total_replicas": 3, "stuck_because": "ProgressDeadlineExceeded: timed out"}


def applying(**changes: Any) -> Change:  # noqa: ANN401 - any field of a Change
    """Return a change whose template was written and whose pods do not come."""
    return a_change(outcome=Outcome.APPLYING, settled_at=None, **changes)


def test_p4_a_rollout_whose_pods_do_not_start_is_undone() -> None:
    """The old pods that are left serve alone; the template goes back, and is not tried again for a while."""
    found = told(applying(), workload=a_workload(TARGET, **STUCK))

    assert (found.kind, str(found.step)) == (DecisionKind.APPLY, "roll out 1 workers x pool 2, overflow 0")
    assert "its pods do not start (ProgressDeadlineExceeded: timed out)" in found.because
    assert (found.memory.history[0].outcome, found.memory.history[0].outcome_latency_s) == (Outcome.WORSE, None)
    assert found.memory.blocked(BEFORE, TARGET, NOON) is not None


@pytest.mark.parametrize(
    ("reason", "change", "workload"),
    [
        pytest.param("RolloutStuck", applying(), {"terminating_replicas": 1}, id="old pods still hold their connections"),
        pytest.param("RolloutStuck", applying(), {"template_hash": "new"}, id="somebody else's release is stuck"),
        pytest.param("RolloutStuck", applying(before=MORE[0], target=MORE[1]), {}, id="pods that do not come are waited for"),
        pytest.param("RevertFailed", applying(reverts="a1b2c3d4"), {}, id="the way back is stuck"),
    ],
)
def test_p2_what_is_stuck_is_not_always_ours_to_undo(reason: str, change: Change, workload: dict[str, Any]) -> None:
    """A hold, with the Deployment's own words."""
    facts = {**STUCK, "updated_replicas": 1, **workload}
    found = told(change, at=change.target, workload=a_workload(change.target, **facts))

    assert (found.kind, found.reason, found.step) == (DecisionKind.HOLD, reason, None)


def test_the_model_says_what_was_to_be_expected() -> None:
    """At twice the load 1.3 s are no worse than what the configuration of before would have given."""
    seen = a_snapshot(TARGET, requests_rps=180, **WORSE)
    at = a_situation(TARGET, seen=seen, memory=Memory(change=a_change()))
    draft = Decision(kind=DecisionKind.KEEP, reason="", because="", memory=at.memory)

    assert continued(at, seen, a_change(), draft, TARGET, expected_s=1.4).reason == "ChangeNoBetter"
    assert continued(at, seen, a_change(), draft, TARGET, expected_s=1.0).reason == "Reverting"
    assert continued(at, seen, a_change(), draft, TARGET).reason == "Settling"
