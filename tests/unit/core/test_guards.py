"""Each guard: too early, a minute early, exactly on time; growing and shrinking apart."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apituner.core.blocks import Block
from apituner.core.change import Change, Outcome
from apituner.core.configuration import Configuration, Knob
from apituner.core.diagnosis import Bottleneck
from apituner.core.guards import (
    GUARDS,
    change_must_be_judged,
    every_pod_must_be_known,
    first_objection,
    model_must_explain_what_is_seen,
    point_must_not_be_blocked,
    rollout_must_be_settled,
    settings_must_be_effective,
    target_must_be_within_bounds,
    unseen_pods_must_be_gone,
    window_must_hold_only_new_pods,
)
from apituner.core.memory import Memory
from apituner.core.ownership import Hold
from apituner.core.pacing import (
    bottleneck_must_have_lasted,
    changes_must_not_go_back_and_forth,
    cooldown_must_have_passed,
    fewer_pods_must_have_been_enough,
    pods_must_be_given_up_gradually,
    rollouts_must_remain_today,
    windows_must_agree,
)
from apituner.core.policy import Bounds
from apituner.core.proposal import Guard, Proposal
from apituner.core.stabilization import Enough
from builders import NOON, a_configuration, a_policy, a_snapshot, a_workload
from strategies import configurations

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
CHANGE = Change(
    plan="a1b2c3d4",
    at=NOON,
    reason="PoolStarved",
    because="",
    outcome=Outcome.APPLIED,
    before=a_configuration(),
    target=a_configuration(pool_size=6),
)
LASTED = Memory(bottleneck=Bottleneck.POOL_STARVED, since=NOON - timedelta(hours=1), stair=(Enough(replicas=1, since=NOON - HOUR),))
HERE, POOLED, GROWN, SHRUNK = a_configuration(), a_configuration(pool_size=6), a_configuration(4), a_configuration(1)


def a_proposal(target: Configuration = POOLED, **changes: Any) -> Proposal:  # noqa: ANN401 - any field of a Proposal
    """Return a proposal to which nobody objects: by default another pool."""
    proposal = Proposal(
        target=target,
        effective=HERE,
        configured=HERE,
        seen=a_snapshot(),
        workload=a_workload(),
        policy=a_policy(knobs={**a_policy().knobs, Knob.REPLICAS: Bounds(least=1, most=12)}),
        memory=LASTED,
        now=NOON,
        agreed=3,
    )
    return replace(proposal, **changes)


def a_change(ago: timedelta = timedelta(0), **changes: Any) -> Change:  # noqa: ANN401 - any field of a Change
    """Return a rollout that was decided so long ago."""
    return replace(CHANGE, at=NOON - ago, **changes)


def changed(ago: timedelta, times: int = 1, **changes: Any) -> Memory:  # noqa: ANN401 - any field of a Change
    """Return the memory of changes that ended so long ago."""
    done = a_change(ago, **changes)
    return replace(LASTED, change=done, history=tuple(replace(done, at=done.at - index * SECOND) for index in range(times)))


def blocking(target: Configuration, until: timedelta = MINUTE, before: Configuration = HERE) -> Memory:
    """Return the memory of a change that made things worse."""
    return replace(LASTED, blocks=(Block(before=before, target=target, until=NOON + until, count=2),))


@pytest.mark.parametrize("target", [POOLED, GROWN, SHRUNK], ids=["another pool", "more pods", "a pod fewer"])
def test_nobody_objects(target: Configuration) -> None:
    """The proposals that all cases start from go through."""
    assert first_objection(a_proposal(target)) is None


STARTING: dict[str, Any] = {"updated_replicas": 1, "ready_replicas": 1, "total_replicas": 1}
"""A pod that was just asked for is still missing."""


@pytest.mark.parametrize(
    ("reason", "retry_after_s", "guard", "target", "changes"),
    [
        pytest.param(
            "RolloutInProgress", 15, rollout_must_be_settled, POOLED, {"workload": a_workload(updated_replicas=1)}, id="mid-rollout"
        ),
        pytest.param(
            "RolloutInProgress", 15, rollout_must_be_settled, GROWN, {"workload": a_workload(updated_replicas=1)}, id="not even more pods"
        ),
        pytest.param(
            "RolloutInProgress", 15, rollout_must_be_settled, GROWN, {"workload": a_workload(observed_generation=6)}, id="not yet observed"
        ),
        pytest.param(None, None, rollout_must_be_settled, GROWN, {"workload": a_workload(**STARTING)}, id="more pods while pods start"),
        pytest.param(
            None, None, rollout_must_be_settled, GROWN, {"workload": a_workload(terminating_replicas=1)}, id="more while one terminates"
        ),
        pytest.param(
            "RolloutInProgress", 15, rollout_must_be_settled, SHRUNK, {"workload": a_workload(**STARTING)}, id="fewer only when settled"
        ),
        pytest.param(
            "RolloutInProgress",
            15,
            rollout_must_be_settled,
            POOLED,
            {"workload": a_workload(terminating_replicas=1)},
            id="an old pod terminates",
        ),
        pytest.param(
            "PodsEnding",
            1,
            unseen_pods_must_be_gone,
            POOLED,
            {"workload": a_workload(tells_of_ending_pods=False), "memory": changed(HOUR, ending_since=NOON - 63 * SECOND)},
            id="grace period, delays and a sweep, a second short",
        ),
        pytest.param(
            None,
            None,
            unseen_pods_must_be_gone,
            POOLED,
            {"workload": a_workload(tells_of_ending_pods=False), "memory": changed(HOUR, ending_since=NOON - 64 * SECOND)},
            id="certainly gone",
        ),
        pytest.param(None, None, unseen_pods_must_be_gone, POOLED, {"memory": changed(HOUR, ending_since=NOON)}, id="their count is seen"),
        pytest.param(
            "Settling", 60, change_must_be_judged, POOLED, {"memory": changed(HOUR, outcome=Outcome.SETTLING)}, id="not judged yet"
        ),
        pytest.param(
            None, None, change_must_be_judged, GROWN, {"memory": changed(HOUR, outcome=Outcome.SETTLING)}, id="more pods need not wait"
        ),
        pytest.param(None, None, change_must_be_judged, POOLED, {"memory": changed(HOUR)}, id="judged"),
        pytest.param(
            "PodsUnknown", 15, every_pod_must_be_known, SHRUNK, {"seen": a_snapshot(pods_reporting=1)}, id="a silent pod counts as busy"
        ),
        pytest.param(
            "PodsUnknown",
            15,
            every_pod_must_be_known,
            POOLED,
            {"workload": a_workload(ready_replicas=1)},
            id="so does one that is not ready",
        ),
        pytest.param(
            None, None, every_pod_must_be_known, GROWN, {"seen": a_snapshot(pods_reporting=1)}, id="for growing it counts as idle"
        ),
        pytest.param(
            "WindowTooYoung",
            1,
            window_must_hold_only_new_pods,
            POOLED,
            {"workload": a_workload(rolled_out_at=NOON - 59 * SECOND)},
            id="a second early",
        ),
        pytest.param(
            None, None, window_must_hold_only_new_pods, GROWN, {"workload": a_workload(rolled_out_at=NOON)}, id="more pods need not wait"
        ),
        pytest.param(
            None, None, window_must_hold_only_new_pods, POOLED, {"workload": a_workload(rolled_out_at=NOON - MINUTE)}, id="a whole window"
        ),
        pytest.param(
            None, None, window_must_hold_only_new_pods, POOLED, {"workload": a_workload(rolled_out_at=None)}, id="never seen to roll out"
        ),
        pytest.param(
            "WindowTooYoung",
            15,
            window_must_hold_only_new_pods,
            POOLED,
            {"workload": a_workload(rolled_out_at=NOON - MINUTE), "seen": a_snapshot(taken_at=NOON - 15 * SECOND)},
            id="the age of the figures counts, not the time of the sweep",
        ),
        pytest.param(
            "SettingNotEffective",
            None,
            settings_must_be_effective,
            POOLED,
            {"configured": a_configuration(pool_size=5)},
            id="not followed",
        ),
        pytest.param(
            None, None, settings_must_be_effective, GROWN, {"configured": a_configuration(pool_size=5)}, id="more pods are no setting"
        ),
        pytest.param(None, None, settings_must_be_effective, POOLED, {"configured": a_configuration(9)}, id="pods are no setting"),
        pytest.param("OutOfBounds", None, target_must_be_within_bounds, a_configuration(13), {}, id="a pod too many"),
        pytest.param(None, None, target_must_be_within_bounds, a_configuration(12), {}, id="the most that is allowed"),
        pytest.param("ModelUnreliable", 60, model_must_explain_what_is_seen, GROWN, {"residual_ratio": 0.301}, id="a third unexplained"),
        pytest.param(None, None, model_must_explain_what_is_seen, GROWN, {"residual_ratio": 0.3}, id="just explained"),
        pytest.param(None, None, model_must_explain_what_is_seen, GROWN, {}, id="not known how well"),
        pytest.param("PointBlocked", 60, point_must_not_be_blocked, POOLED, {"memory": blocking(POOLED)}, id="tried in vain"),
        pytest.param(
            "PointBlocked", 60, point_must_not_be_blocked, POOLED, {"memory": blocking(a_configuration(5, pool_size=8))}, id="as good as"
        ),
        pytest.param(
            None, None, point_must_not_be_blocked, POOLED, {"memory": blocking(POOLED, timedelta(0))}, id="exactly when the block ends"
        ),
        pytest.param(None, None, point_must_not_be_blocked, POOLED, {"memory": blocking(GROWN)}, id="something else was tried in vain"),
        pytest.param("Stabilizing", 30, bottleneck_must_have_lasted, POOLED, {"memory": Memory()}, id="never seen before"),
        pytest.param(None, None, bottleneck_must_have_lasted, GROWN, {"memory": Memory()}, id="pods come at once"),
        pytest.param(
            "Stabilizing",
            1,
            bottleneck_must_have_lasted,
            POOLED,
            {"memory": replace(LASTED, since=NOON - 29 * SECOND)},
            id="lasted a second less",
        ),
        pytest.param(
            None, None, bottleneck_must_have_lasted, POOLED, {"memory": replace(LASTED, since=NOON - 30 * SECOND)}, id="lasted exactly"
        ),
        pytest.param("WindowsDisagree", 30, windows_must_agree, POOLED, {"agreed": 2}, id="two windows agree"),
        pytest.param(None, None, windows_must_agree, POOLED, {"agreed": 3}, id="three windows agree"),
        pytest.param(None, None, windows_must_agree, GROWN, {"agreed": 0}, id="for pods none need to"),
        pytest.param(
            "ScaleDownStabilizing",
            15,
            fewer_pods_must_have_been_enough,
            SHRUNK,
            {"memory": replace(LASTED, stair=(Enough(replicas=1, since=NOON - 299 * SECOND),))},
            id="a second short of five minutes",
        ),
        pytest.param(
            None,
            None,
            fewer_pods_must_have_been_enough,
            SHRUNK,
            {"memory": replace(LASTED, stair=(Enough(replicas=1, since=NOON - 300 * SECOND),))},
            id="five minutes",
        ),
        pytest.param(
            "ScaleDownStabilizing", 15, fewer_pods_must_have_been_enough, SHRUNK, {"memory": replace(LASTED, stair=())}, id="never before"
        ),
        pytest.param(None, None, fewer_pods_must_have_been_enough, POOLED, {"memory": Memory()}, id="a rollout takes no pods away"),
        pytest.param(
            "ScaleDownTooFar",
            None,
            pods_must_be_given_up_gradually,
            a_configuration(7),
            {"effective": a_configuration(10)},
            id="three of ten at once",
        ),
        pytest.param(
            None, None, pods_must_be_given_up_gradually, a_configuration(8), {"effective": a_configuration(10)}, id="a fifth at once"
        ),
        pytest.param(
            "ScaleDownPacing",
            1,
            pods_must_be_given_up_gradually,
            SHRUNK,
            {"memory": changed(59 * SECOND, before=GROWN, target=HERE)},
            id="a second short of a minute after the last",
        ),
        pytest.param(
            None,
            None,
            pods_must_be_given_up_gradually,
            SHRUNK,
            {"memory": changed(MINUTE, before=GROWN, target=HERE)},
            id="a minute after the last",
        ),
        pytest.param(None, None, pods_must_be_given_up_gradually, POOLED, {"memory": changed(SECOND, before=GROWN)}, id="another pool"),
        pytest.param("CoolingDown", 60, cooldown_must_have_passed, POOLED, {"memory": changed(9 * MINUTE)}, id="a minute early"),
        pytest.param(None, None, cooldown_must_have_passed, POOLED, {"memory": changed(10 * MINUTE)}, id="exactly on time"),
        pytest.param(None, None, cooldown_must_have_passed, GROWN, {"memory": changed(MINUTE)}, id="more pods never cool down"),
        pytest.param(
            None, None, cooldown_must_have_passed, POOLED, {"memory": changed(MINUTE, target=GROWN)}, id="pods that came need no cooldown"
        ),
        pytest.param(None, None, cooldown_must_have_passed, POOLED, {}, id="never changed anything"),
        pytest.param(
            "CoolingDown",
            60,
            cooldown_must_have_passed,
            POOLED,
            {"workload": a_workload(written_at=NOON - 9 * MINUTE)},
            id="a write that only the API server remembers",
        ),
        pytest.param(
            "CoolingDown",
            60,
            cooldown_must_have_passed,
            POOLED,
            {"workload": a_workload(written_at=NOON - 9 * MINUTE), "memory": changed(60 * MINUTE)},
            id="the later of the two counts",
        ),
        pytest.param("DailyLimitReached", None, rollouts_must_remain_today, POOLED, {"memory": changed(MINUTE, 6)}, id="six are enough"),
        pytest.param(None, None, rollouts_must_remain_today, POOLED, {"memory": changed(MINUTE, 5)}, id="the sixth may come"),
        pytest.param(
            None,
            None,
            rollouts_must_remain_today,
            POOLED,
            {"memory": changed(MINUTE, 6, target=GROWN)},
            id="pods that came are not counted",
        ),
        pytest.param(None, None, rollouts_must_remain_today, GROWN, {"memory": changed(MINUTE, 6)}, id="nor are they limited"),
        pytest.param(
            None, None, rollouts_must_remain_today, POOLED, {"memory": changed(timedelta(days=1), 6)}, id="exactly a day ago is not today"
        ),
    ],
)
def test_each_guard(reason: str | None, retry_after_s: float | None, guard: Guard, target: Configuration, changes: dict[str, Any]) -> None:
    """Its reason, and when to ask again."""
    found: Hold | None = guard(a_proposal(target, **changes))

    assert (reason, retry_after_s) == ((None, None) if found is None else (found.reason, found.retry_after_s))


def back_and_forth(*ago: int) -> Memory:
    """Return the memory of changes between two and four pods so many minutes ago, the newest of them to four."""
    ends = [(HERE, GROWN), (GROWN, HERE)] * len(ago)
    changes = tuple(a_change(minutes * MINUTE, before=before, target=target) for minutes, (before, target) in zip(ago, ends, strict=False))
    return replace(LASTED, change=changes[0], history=changes)


@pytest.mark.parametrize(
    ("expected", "target", "memory"),
    [
        pytest.param(None, HERE, back_and_forth(10), id="up, and down again: a burst"),
        pytest.param(None, HERE, back_and_forth(10, 20), id="once more"),
        pytest.param("Flapping", HERE, back_and_forth(10, 20, 30), id="twice to and fro within an hour, and now again"),
        pytest.param(None, HERE, back_and_forth(10, 20, 61), id="what was before the hour is forgiven"),
        pytest.param(None, a_configuration(3), back_and_forth(10, 20, 30), id="somewhere else than before"),
        pytest.param(None, POOLED, LASTED, id="never changed"),
    ],
)
def test_p4_to_and_fro_ends(expected: str | None, target: Configuration, memory: Memory) -> None:
    """From four pods: only so often back to where the change before came from."""
    found = changes_must_not_go_back_and_forth(a_proposal(target, effective=GROWN, memory=memory))

    assert expected == (found.reason if found else None)
    if found is not None:
        assert found.retry_after_s == 40 * 60


def test_p4_more_pods_are_never_kept_waiting_for_flapping() -> None:
    """A third burst is served like the first."""
    there_and_back = replace(back_and_forth(5, 10, 20, 30), history=back_and_forth(5, 10, 20, 30).history[1:])

    assert changes_must_not_go_back_and_forth(a_proposal(GROWN, effective=HERE, memory=there_and_back)) is None


def test_p4_what_the_world_must_show_comes_before_what_time_mends() -> None:
    """With everything against it, the objections are told in the fixed order."""
    memory = replace(changed(MINUTE, 6, outcome=Outcome.SETTLING, ending_since=NOON), since=NOON)
    worst = a_proposal(
        a_configuration(pool_size=31),
        workload=a_workload(updated_replicas=1, ready_replicas=1, rolled_out_at=NOON, tells_of_ending_pods=False),
        configured=a_configuration(pool_size=5),
        memory=replace(memory, blocks=blocking(a_configuration(pool_size=31)).blocks),
        residual_ratio=0.5,
        agreed=1,
    )

    assert [
        "RolloutInProgress",
        "PodsEnding",
        "Settling",
        "PodsUnknown",
        "WindowTooYoung",
        "SettingNotEffective",
        "OutOfBounds",
        "ModelUnreliable",
        "PointBlocked",
        "Stabilizing",
        "WindowsDisagree",
        "DailyLimitReached",
        "CoolingDown",
    ] == [hold.reason for guard in GUARDS if (hold := guard(worst))]
    first = first_objection(worst)
    assert first is not None
    assert first.reason == "RolloutInProgress"


def test_p4_more_pods_wait_for_nothing_that_time_mends() -> None:
    """In the middle of everything but a rollout."""
    memory = replace(changed(SECOND, 6, outcome=Outcome.SETTLING), since=None, stair=())
    proposal = a_proposal(
        GROWN, workload=a_workload(**STARTING, written_at=NOON), seen=a_snapshot(pods_reporting=1), memory=memory, agreed=0
    )

    assert first_objection(proposal) is None


@settings(max_examples=1000)
@given(st.integers(0, 900), st.integers(0, 900), st.integers(0, 900), configurations())
def test_time_alone_never_makes_a_hold_stricter(changed_s: int, since_s: int, later_s: int, target: Configuration) -> None:
    """What goes through now goes through later, as long as nothing else changes."""
    memory = replace(changed(changed_s * SECOND), since=NOON - since_s * SECOND)
    now = a_proposal(target, memory=memory)
    later = replace(now, now=NOON + later_s * SECOND)

    if first_objection(now) is None:
        assert first_objection(later) is None
