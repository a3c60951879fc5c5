"""Each guard: too early, a minute early, exactly on time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.core.diagnosis import Bottleneck
from apituner.core.guards import (
    GUARDS,
    Guard,
    Proposal,
    bottleneck_must_have_lasted,
    changes_must_remain_today,
    cooldown_must_have_passed,
    first_objection,
    rollout_must_be_settled,
    settings_must_be_effective,
    window_must_hold_only_new_pods,
)
from apituner.core.memory import Change, Memory, Outcome
from apituner.core.ownership import Hold
from builders import NOON, a_configuration, a_policy, a_snapshot, a_workload
from strategies import configurations

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
CHANGE = Change(
    plan="a1b2c3d4",
    at=NOON,
    reason="PoolStarved",
    because="",
    outcome=Outcome.APPLIED,
    before=a_configuration(),
    target=a_configuration(pool_size=6),
)
LASTED = Memory(bottleneck=Bottleneck.POOL_STARVED, since=NOON - timedelta(hours=1))


def a_proposal(**changes: Any) -> Proposal:  # noqa: ANN401 - any field of a Proposal
    """Return a proposal to which nobody objects."""
    here = a_configuration()
    proposal = Proposal(
        target=a_configuration(pool_size=6),
        effective=here,
        configured=here,
        seen=a_snapshot(),
        workload=a_workload(),
        policy=a_policy(),
        memory=LASTED,
        now=NOON,
    )
    return replace(proposal, **changes)


def changed(ago: timedelta, times: int = 1) -> Memory:
    """Return the memory of changes that ended so long ago."""
    done = replace(CHANGE, at=NOON - ago)
    return replace(LASTED, change=done, history=(done,) * times)


def test_nobody_objects() -> None:
    """The proposal that all cases start from goes through."""
    assert first_objection(a_proposal()) is None


@pytest.mark.parametrize(
    ("reason", "retry_after_s", "guard", "changes"),
    [
        pytest.param("RolloutInProgress", 15, rollout_must_be_settled, {"workload": a_workload(updated_replicas=1)}, id="mid-rollout"),
        pytest.param(
            "RolloutInProgress", 15, rollout_must_be_settled, {"workload": a_workload(terminating_replicas=1)}, id="an old pod terminates"
        ),
        pytest.param(
            "WindowTooYoung",
            1,
            window_must_hold_only_new_pods,
            {"workload": a_workload(rolled_out_at=NOON - 59 * SECOND)},
            id="a second early",
        ),
        pytest.param(
            None, None, window_must_hold_only_new_pods, {"workload": a_workload(rolled_out_at=NOON - MINUTE)}, id="a whole window"
        ),
        pytest.param(None, None, window_must_hold_only_new_pods, {"workload": a_workload(rolled_out_at=None)}, id="never seen to roll out"),
        pytest.param(
            "WindowTooYoung",
            15,
            window_must_hold_only_new_pods,
            {"workload": a_workload(rolled_out_at=NOON - MINUTE), "seen": a_snapshot(taken_at=NOON - 15 * SECOND)},
            id="the age of the figures counts, not the time of the sweep",
        ),
        pytest.param(
            "SettingNotEffective", None, settings_must_be_effective, {"effective": a_configuration(pool_size=5)}, id="not followed"
        ),
        pytest.param(None, None, settings_must_be_effective, {"effective": a_configuration(9)}, id="pods are no setting"),
        pytest.param("Stabilizing", 30, bottleneck_must_have_lasted, {"memory": Memory()}, id="never seen before"),
        pytest.param(
            "Stabilizing", 1, bottleneck_must_have_lasted, {"memory": replace(LASTED, since=NOON - 29 * SECOND)}, id="lasted a second less"
        ),
        pytest.param(None, None, bottleneck_must_have_lasted, {"memory": replace(LASTED, since=NOON - 30 * SECOND)}, id="lasted exactly"),
        pytest.param("CoolingDown", 60, cooldown_must_have_passed, {"memory": changed(9 * MINUTE)}, id="a minute early"),
        pytest.param(None, None, cooldown_must_have_passed, {"memory": changed(10 * MINUTE)}, id="exactly on time"),
        pytest.param(None, None, cooldown_must_have_passed, {}, id="never changed anything"),
        pytest.param(
            "CoolingDown",
            60,
            cooldown_must_have_passed,
            {"workload": a_workload(written_at=NOON - 9 * MINUTE)},
            id="a write that only the API server remembers",
        ),
        pytest.param(
            "CoolingDown",
            60,
            cooldown_must_have_passed,
            {"workload": a_workload(written_at=NOON - 9 * MINUTE), "memory": changed(60 * MINUTE)},
            id="the later of the two counts",
        ),
        pytest.param("DailyLimitReached", None, changes_must_remain_today, {"memory": changed(MINUTE, 6)}, id="six today are enough"),
        pytest.param(None, None, changes_must_remain_today, {"memory": changed(MINUTE, 5)}, id="the sixth may come"),
        pytest.param(None, None, changes_must_remain_today, {"memory": changed(timedelta(days=1), 6)}, id="exactly a day ago is not today"),
    ],
)
def test_each_guard(reason: str | None, retry_after_s: float | None, guard: Guard, changes: dict[str, Any]) -> None:
    """Its reason, and when to ask again."""
    found: Hold | None = guard(a_proposal(**changes))

    assert (reason, retry_after_s) == ((None, None) if found is None else (found.reason, found.retry_after_s))


def test_p4_what_the_world_must_show_comes_before_what_time_mends() -> None:
    """With everything against it, the objections are told in the fixed order."""
    worst = a_proposal(
        workload=a_workload(updated_replicas=1, rolled_out_at=NOON),
        effective=a_configuration(pool_size=5),
        memory=replace(changed(MINUTE, 6), since=NOON),
    )

    found = [hold.reason for guard in GUARDS if (hold := guard(worst))]
    assert found == ["RolloutInProgress", "WindowTooYoung", "SettingNotEffective", "Stabilizing", "DailyLimitReached", "CoolingDown"]
    first = first_objection(worst)
    assert first is not None
    assert first.reason == "RolloutInProgress"


@given(st.integers(0, 900), st.integers(0, 900), st.integers(0, 900), configurations())
def test_time_alone_never_makes_a_hold_stricter(changed_s: int, since_s: int, later_s: int, target: object) -> None:
    """What goes through now goes through later, as long as nothing else changes."""
    memory = replace(changed(changed_s * SECOND), since=NOON - since_s * SECOND)
    now, later = a_proposal(memory=memory, target=target), a_proposal(memory=memory, target=target, now=NOON + later_s * SECOND)

    if first_objection(now) is None:
        assert first_objection(later) is None
