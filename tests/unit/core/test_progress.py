"""A change on its way is finished, waited for or let go of; a restart between any two lines does no harm."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from apituner.core.change import Change, Outcome
from apituner.core.configuration import Configuration, Knob
from apituner.core.decide import decide
from apituner.core.decision import Decision, DecisionKind
from apituner.core.diagnosis import Bottleneck
from apituner.core.judge import figures
from apituner.core.memory import Memory
from apituner.core.peak import step_peak
from apituner.core.plan import Plan, Rollout, Step, after, plan, plan_within
from apituner.core.policy import Bounds, ConnectionLimit, Mode, Policy
from apituner.core.progress import begun
from apituner.core.room import Room
from apituner.core.situation import Situation
from apituner.core.snapshot import Absence, Signal
from apituner.core.strategy import Strategy
from apituner.core.workload import SettingName, Workload
from builders import HEALTHY, NOON, a_configuration, a_policy, a_situation, a_snapshot, a_workload
from strategies import configurations

SECOND = timedelta(seconds=1)
BEFORE, TARGET = a_configuration(), a_configuration(pool_size=6)
SHRINKING = a_configuration(4), a_configuration(2, pool_size=6)


def a_change(before: Configuration = BEFORE, target: Configuration = TARGET, **changes: Any) -> Change:  # noqa: ANN401 - any field of a Change
    """Return a change that was decided a minute ago."""
    change = Change(
        plan=plan(before, target, engines=1, because="").identity,
        at=NOON - timedelta(minutes=1),
        reason="PoolStarved",
        because="the pool is starved",
        outcome=Outcome.APPLYING,
        before=before,
        target=target,
    )
    return replace(change, **changes)


def carried_on(at: Configuration, change: Change | None = None, *, readings: dict[str, Any] | None = None, **changes: Any) -> Decision:  # noqa: ANN401
    """Decide on a Deployment that stands at *at* while *change* is on its way."""
    memory = Memory(bottleneck=Bottleneck.POOL_STARVED, since=NOON - timedelta(hours=1), change=change or a_change())
    return decide(a_situation(at, memory=memory, **{"seen": a_snapshot(at, **(readings or {})), **changes}))


def outcome(decision: Decision) -> Outcome:
    """Return how far the change has come."""
    assert decision.memory.change is not None
    return decision.memory.change.outcome


@pytest.mark.parametrize(
    ("expected", "at", "ends"),
    [
        pytest.param("roll out 1 workers x pool 6, overflow 0", BEFORE, (BEFORE, TARGET), id="nothing is written yet"),
        pytest.param("scale to 3 replicas", BEFORE, (BEFORE, a_configuration(3, pool_size=6)), id="pods first"),
        pytest.param(
            "roll out 1 workers x pool 6, overflow 0", a_configuration(3), (BEFORE, a_configuration(3, pool_size=6)), id="pods are there"
        ),
        pytest.param("roll out 1 workers x pool 6, overflow 0", a_configuration(4), SHRINKING, id="pods are given up last"),
    ],
)
def test_p6_the_step_that_is_due_follows_from_the_template(
    expected: str, at: Configuration, ends: tuple[Configuration, Configuration]
) -> None:
    """Whatever was carried out before a restart is seen to be done."""
    found = carried_on(at, a_change(*ends))

    assert (DecisionKind.APPLY, expected, "the pool is starved") == (found.kind, str(found.step), found.because)
    assert Outcome.APPLYING is outcome(found)


def test_a_change_in_force_waits_for_its_judgement() -> None:
    """It has not ended: when it was first seen in force is written down, and told once."""
    found = carried_on(TARGET, a_change(seen_before=figures(a_snapshot(), a_policy())), readings=HEALTHY)

    assert (found.kind, found.reason, found.step) == (DecisionKind.KEEP, "ChangeApplied", None)
    assert found.memory.change is not None
    assert (outcome(found), found.memory.change.settled_at, found.memory.history) == (Outcome.SETTLING, NOON, ())
    assert decide(a_situation(TARGET, seen=a_snapshot(TARGET, **HEALTHY), memory=found.memory)).reason == "Settling"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"now": NOON + timedelta(hours=5)}, id="found much later, after an outage"),
        pytest.param({"policy": a_policy(suspended=True)}, id="the spec was suspended meanwhile"),
        pytest.param({"policy": a_policy(connection_limit=ConnectionLimit(connections=1, because=""))}, id="the budget fell meanwhile"),
    ],
)
def test_what_is_done_is_not_called_abandoned(changes: dict[str, Any]) -> None:
    """A target that is in force was reached, whatever happened since."""
    assert Outcome.SETTLING is outcome(carried_on(TARGET, readings=HEALTHY, **changes))


def test_a_revert_in_force_needs_no_judgement() -> None:
    """It led back to what is known."""
    found = carried_on(TARGET, a_change(reverts="a1b2c3d4"))

    assert (found.reason, outcome(found), len(found.memory.history)) == ("ChangeReverted", Outcome.REVERTED, 1)


@pytest.mark.parametrize(
    "workload",
    [
        pytest.param({"updated_replicas": 1}, id="old pods left"),
        pytest.param({"terminating_replicas": 1}, id="an old pod still holds its connections"),
        pytest.param({"observed_generation": 6}, id="the controller has not begun"),
    ],
)
@pytest.mark.parametrize("at", [BEFORE, TARGET], ids=["before the step", "after the step"])
def test_p4_no_step_while_the_last_one_is_on_its_way(at: Configuration, workload: dict[str, Any]) -> None:
    """Neither the next step nor the end is told before every pod is new."""
    found = carried_on(at, workload=a_workload(at, **workload))

    assert (found.kind, found.reason, found.step) == (DecisionKind.HOLD, "RolloutInProgress", None)
    assert Outcome.APPLYING is outcome(found)


@pytest.mark.parametrize(
    ("says", "at", "changes"),
    [
        pytest.param("no longer lets", BEFORE, {"policy": a_policy(suspended=True)}, id="suspended"),
        pytest.param("no longer lets", BEFORE, {"policy": a_policy(mode=Mode.RECOMMEND)}, id="only to recommend"),
        pytest.param(
            "within an hour", BEFORE, {"change": a_change(at=NOON - timedelta(hours=1, seconds=1))}, id="a second older than an hour"
        ),
        pytest.param("somebody else set", a_configuration(pool_size=3), {}, id="another pool"),
        pytest.param("somebody else set", a_configuration(workers=2), {}, id="another number of workers"),
        pytest.param("somebody else scaled to 5", a_configuration(5), {}, id="another number of pods"),
        pytest.param(
            "pool 6 is not within the bounds",
            BEFORE,
            {"policy": a_policy(knobs={**a_policy().knobs, Knob.POOL: Bounds(least=2, most=5)})},
            id="the bounds shrank",
        ),
        pytest.param(
            "does not name pool",
            BEFORE,
            {"policy": a_policy(knobs={Knob.REPLICAS: Bounds(least=2, most=12)}), "workload": a_workload(settings={})},
            id="the knob was taken out of the spec",
        ),
        pytest.param(
            "16 connections at the peak no longer fit: less than before",
            BEFORE,
            {"policy": a_policy(connection_limit=ConnectionLimit(connections=15, because="less than before"))},
            id="the budget shrank",
        ),
    ],
)
def test_a_change_is_let_go_of(says: str, at: Configuration, changes: dict[str, Any]) -> None:
    """Foreign edits, an old decision, and a spec or budget that no longer allows it: nothing more is written."""
    found = carried_on(at, **changes)

    assert (found.kind, found.reason, found.step) == (DecisionKind.HOLD, "ChangeAbandoned", None)
    assert says in found.because
    assert Outcome.ABANDONED is outcome(found)


@pytest.mark.parametrize(
    ("kind", "written_at"),
    [
        pytest.param(DecisionKind.APPLY, None, id="never written: the step is due"),
        pytest.param(DecisionKind.APPLY, NOON - timedelta(hours=1), id="written for an earlier change: the step is due"),
        pytest.param(DecisionKind.HOLD, NOON - timedelta(seconds=50), id="written for this change and set back: given up"),
    ],
)
def test_p4_a_step_that_was_set_back_is_not_taken_again(kind: DecisionKind, written_at: datetime | None) -> None:
    """Two writers on one variable would roll it out in turns for as long as the change lives."""
    assert kind is carried_on(BEFORE, workload=a_workload(BEFORE, written_at=written_at)).kind


def test_a_change_lives_for_exactly_an_hour() -> None:
    """Not a second less."""
    assert DecisionKind.APPLY is carried_on(BEFORE, a_change(at=NOON - timedelta(hours=1))).kind


def test_p3_pods_that_are_not_a_knob_are_never_scaled() -> None:
    """An autoscaler that moved the pods meanwhile is left alone; the rollout goes on, and ends as applied."""
    policy = a_policy(knobs={Knob.POOL: Bounds(least=2, most=30)})
    change = a_change(a_configuration(4), a_configuration(4, pool_size=6))
    for pods in (2, 4, 6):
        rolling = carried_on(a_configuration(pods), change, policy=policy)
        done = carried_on(a_configuration(pods, pool_size=6), change, policy=policy, readings=HEALTHY)

        assert Rollout(workers=1, pool_size=6, max_overflow=0) == rolling.step
        assert (outcome(done), done.step) == (Outcome.SETTLING, None)


def test_p2_pods_that_an_autoscaler_added_count_at_the_peak() -> None:
    """At 12 pods the rollout would open 96 connections, not the 32 that it was decided on."""
    policy = a_policy(knobs={Knob.POOL: Bounds(least=2, most=30)})
    found = carried_on(a_configuration(12), a_change(a_configuration(4), a_configuration(4, pool_size=6)), policy=policy)

    assert (found.reason, "96 connections" in found.because) == ("ChangeAbandoned", True)


def test_p1_a_setting_that_is_not_ours_is_not_guessed_from_the_processes() -> None:
    """A worker that is being replaced is no foreign edit: workers are no knob here."""
    policy = a_policy(knobs={Knob.POOL: Bounds(least=2, most=30)})
    ends = a_configuration(workers=2), a_configuration(workers=2, pool_size=6)
    pools = {name: setting for name, setting in a_workload().settings.items() if name is not SettingName.WORKERS}
    found = carried_on(
        ends[0],
        a_change(*ends),
        policy=policy,
        workload=a_workload(ends[0], settings=pools),
        readings={"workers_alive": 2, "pool_limit": 4},
    )

    assert DecisionKind.APPLY is found.kind


@pytest.mark.parametrize(
    ("expected", "readings", "workload"),
    [
        pytest.param("WindowTooYoung", HEALTHY, {"rolled_out_at": NOON - 59 * SECOND}, id="a second short of a window"),
        pytest.param("PoolStarved", HEALTHY, {"rolled_out_at": NOON - 60 * SECOND}, id="a whole window of new pods that do well"),
        pytest.param("ShrinkAwaitsObjective", {}, {"rolled_out_at": NOON - 600 * SECOND}, id="the new pods do not do well"),
    ],
)
def test_p1_pods_are_given_up_only_on_evidence(expected: str, readings: dict[str, Any], workload: dict[str, Any]) -> None:
    """The new pods alone must have shown that they meet the objective."""
    at = a_configuration(4, pool_size=6)
    found = carried_on(at, a_change(*SHRINKING), readings=readings, workload=a_workload(at, **workload))

    assert expected == found.reason
    assert (DecisionKind.APPLY is found.kind) is (expected == "PoolStarved")


def test_p2_giving_up_pods_needs_no_budget() -> None:
    """It opens no connection, so a budget that fell meanwhile is no reason to keep them all."""
    tight = a_policy(connection_limit=ConnectionLimit(connections=12, because="less than before"))
    found = carried_on(a_configuration(4, pool_size=6), a_change(*SHRINKING), readings=HEALTHY, policy=tight)

    assert (found.kind, str(found.step)) == (DecisionKind.APPLY, "scale to 2 replicas")


ROOM = a_configuration(4), a_configuration(4, pool_size=6)
"""A change that goes through three pods, as four do not fit."""


@pytest.mark.parametrize(
    ("expected", "at"),
    [
        pytest.param("scale to 3 replicas", a_configuration(4), id="room is made first"),
        pytest.param("roll out 1 workers x pool 6, overflow 0", a_configuration(3), id="then the rollout"),
        pytest.param("scale to 4 replicas", a_configuration(3, pool_size=6), id="then the pods come back"),
    ],
)
def test_p6_a_longer_order_is_found_again(expected: str, at: Configuration) -> None:
    """From the change and the world alone; giving up pods before the rollout needs no proof that it will help."""
    policy = a_policy(connection_limit=ConnectionLimit(connections=24, because="a property"))
    found = carried_on(at, a_change(*ROOM, through=3), policy=policy)

    assert (found.kind, str(found.step)) == (DecisionKind.APPLY, expected)


def test_p4_pods_that_somebody_else_moved_are_no_step_of_ours() -> None:
    """Two is neither where it began, nor what it goes through, nor where it goes."""
    assert carried_on(a_configuration(2), a_change(*ROOM, through=3)).reason == "ChangeAbandoned"


def test_p4_growth_that_was_amended_is_no_foreign_edit() -> None:
    """On the way from two to five it may have stood at three for a while; six it never asked for."""
    change = a_change(BEFORE, a_configuration(5))

    assert str(carried_on(a_configuration(3), change).step) == "scale to 5 replicas"
    assert carried_on(a_configuration(6), change).reason == "ChangeAbandoned"


@pytest.mark.parametrize(
    ("expected", "ago_s"), [pytest.param("RolloutInProgress", 63, id="a second short"), pytest.param("PoolStarved", 64, id="gone by now")]
)
def test_p2_pods_given_up_unseen_are_waited_for(expected: str, ago_s: int) -> None:
    """In a cluster that does not count terminating pods, for their grace period, the delays and a sweep."""
    at = a_configuration(3)
    change = a_change(*ROOM, through=3, ending_since=NOON - ago_s * SECOND)

    assert expected == carried_on(at, change, workload=a_workload(at, tells_of_ending_pods=False)).reason


@pytest.mark.parametrize(
    ("expected", "at", "tells"),
    [
        pytest.param(NOON, ROOM[0], False, id="pods are given up, and nobody will tell when they are gone"),
        pytest.param(None, ROOM[0], True, id="somebody will"),
        pytest.param(None, a_configuration(3, pool_size=6), False, id="pods come"),
    ],
)
def test_p2_when_pods_are_given_up_is_written_down_first(expected: datetime | None, at: Configuration, tells: bool) -> None:  # noqa: FBT001
    """Where their number cannot be seen."""
    found = carried_on(at, a_change(*ROOM, through=3), workload=a_workload(at, tells_of_ending_pods=tells))

    assert DecisionKind.APPLY is found.kind
    assert found.memory.change is not None
    assert expected == found.memory.change.ending_since


def test_a_change_is_written_down_with_all_that_it_is_judged_by() -> None:
    """What was seen, what was forecast, what it goes through and what it was granted."""
    situation, seen = a_situation(ROOM[0], workload=a_workload(ROOM[0], template_hash="abc", tells_of_ending_pods=False)), a_snapshot()
    way = plan(*ROOM, engines=1, because="a wait", through=3)
    change = begun(situation, seen, way, reason="PoolStarved", forecast_latency_s=0.12345)

    assert (change.at, change.reason, change.because, change.plan) == (NOON, "PoolStarved", "a wait", way.identity)
    assert (change.before, change.target, change.through, change.peak) == (*ROOM, 3, 24)
    assert (change.seen_before, change.forecast_latency_s) == (figures(seen, a_policy()), 0.123)
    assert (change.template_hash, change.ending_since, change.outcome) == ("abc", NOON, Outcome.APPLYING)


def test_a_standing_objection_to_pods_that_come_is_told() -> None:
    """Nothing is left to write, and they cannot come."""
    found = carried_on(TARGET, workload=a_workload(TARGET, ready_replicas=1, paused=True))

    assert (found.reason, outcome(found)) == ("DeploymentPaused", Outcome.APPLYING)


def test_a_standing_objection_pauses_a_change() -> None:
    """It waits as it is: a person may mend it."""
    found = carried_on(BEFORE, workload=a_workload(paused=True))

    assert (found.reason, outcome(found)) == ("DeploymentPaused", Outcome.APPLYING)


@pytest.mark.parametrize("signal", [Signal.LATENCY_OBJECTIVE_S, Signal.POOL_OVERFLOW, Signal.WORKERS_ALIVE])
def test_p1_a_change_waits_while_too_little_is_seen(signal: Signal) -> None:
    """A missing figure neither carries a change on nor ends it."""
    found = carried_on(BEFORE, seen=a_snapshot(absent={signal: Absence.STALE}))

    assert (found.kind, outcome(found)) == (DecisionKind.HOLD, Outcome.APPLYING)


DEATHS = ("none", "before the intention is written", "before the step", "step refused", "after the step")
"""Where a sweep can end early."""

STORIES = [
    pytest.param(BEFORE, {"replicas": (3, 3)}, id="a pod more, then a rollout"),
    pytest.param(a_configuration(4), {"replicas": (2, 2)}, id="a rollout, then two pods fewer"),
    pytest.param(BEFORE, {"replicas": (2, 2)}, id="a rollout alone"),
]


@dataclass(slots=True)
class World:
    """A Deployment that rolls out in two sweeps, a status that survives, and an operator that may die anywhere."""

    stands: Configuration
    policy: Policy
    hold_s: float
    """So long that nine tenths of the first pools are out."""
    healthy: bool = False
    """Whether the objective is met from the beginning."""
    now: datetime = NOON
    status: Memory = field(default_factory=lambda: Memory(bottleneck=Bottleneck.POOL_STARVED, since=NOON - timedelta(hours=1)))
    written: list[Step] = field(default_factory=list)
    written_at: datetime | None = None
    settles_at: datetime = NOON - timedelta(hours=1)
    peak: int = 0

    def sweep(self, death: str = "none") -> Decision:
        """One sweep as the engine does it: intention, step, report; each may be the last thing that happens."""
        found = decide(self.situation())
        self.now += timedelta(seconds=15)
        if death == "before the intention is written":
            return found
        if found.kind is DecisionKind.APPLY and found.step is not None:
            self.status = replace(self.status, change=found.memory.change)
            if death in ("before the step", "step refused"):
                return found
            self.carry_out(found.step)
            if death == "after the step":
                return found
        self.status = found.memory
        return found

    def carry_out(self, step: Step) -> None:
        """Do what a step says; the pods take half a minute."""
        there = after(self.stands, step)
        self.peak = max(self.peak, step_peak(self.stands, there, 1, Strategy()))
        self.stands, self.settles_at = there, self.now + timedelta(seconds=30)
        self.written.append(step)
        self.written_at = self.now

    def situation(self) -> Situation:
        """What a sweep finds: all of it from the world and the status, nothing from an operator that lived before."""
        moving = self.now < self.settles_at
        workload: Workload = a_workload(
            self.stands,
            updated_replicas=0 if moving else self.stands.replicas,
            rolled_out_at=None if moving else self.settles_at,
            written_at=self.written_at,
        )
        cured = self.healthy or self.stands.pool_limit > BEFORE.pool_limit
        seen = a_snapshot(self.stands, taken_at=self.now, pool_hold_mean_s=self.hold_s, **(HEALTHY if cured else {}))
        return Situation(workload=workload, seen=seen, policy=self.policy, memory=self.status, now=self.now)


def a_world(before: Configuration, replicas: tuple[int, int]) -> World:
    """Return the starved API, its pods to be moved to the one number in its bounds."""
    knobs = {Knob.REPLICAS: Bounds(least=replicas[0], most=replicas[1]), Knob.POOL: Bounds(least=2, most=30)}
    return World(stands=before, policy=a_policy(knobs=knobs), hold_s=0.02 * before.replicas)


@cache
def undisturbed(before: Configuration, replicas: tuple[int, int]) -> World:
    """Return the world after a change that nothing disturbed."""
    world = a_world(before, replicas)
    for _ in range(20):
        world.sweep()
    assert world.status.change is not None
    assert Outcome.IMPROVED is world.status.change.outcome
    return world


def lives(deaths: list[str]) -> Iterator[str]:
    """Yield the deaths, then peace."""
    yield from deaths
    yield from ["none"] * 15


@pytest.mark.parametrize(("before", "bounds"), STORIES)
@settings(max_examples=60)
@given(deaths=st.lists(st.sampled_from(DEATHS), max_size=12))
def test_p6_a_restart_between_any_two_lines_does_no_harm(before: Configuration, bounds: dict[str, Any], deaths: list[str]) -> None:
    """The same target by the same writes, each done exactly once: never something else, and never a second rollout."""
    expected, world = undisturbed(before, **bounds), a_world(before, **bounds)
    for death in lives(deaths):
        world.sweep(death)

    assert (expected.stands, expected.written) == (world.stands, world.written)
    assert sum(isinstance(step, Rollout) for step in world.written) == 1
    assert world.status.change is not None
    assert (world.status.change.outcome, len(world.status.history)) == (Outcome.IMPROVED, 1)
    assert world.peak <= 90


@settings(max_examples=1000)
@given(
    before=configurations(),
    target=configurations(overflow=0),
    connections=st.integers(1, 150),
    deaths=st.lists(st.sampled_from(DEATHS), max_size=12),
)
def test_p2_p6_every_order_is_carried_out_once_and_within_the_limit(
    before: Configuration, target: Configuration, connections: int, deaths: list[str]
) -> None:
    """Also one that makes room first: whatever dies on the way, each step is written exactly once, and none exceeds the limit."""
    knobs = {Knob.REPLICAS: Bounds(least=1, most=5), Knob.WORKERS: Bounds(least=1, most=3), Knob.POOL: Bounds(least=1, most=9)}
    policy = a_policy(knobs=knobs, connection_limit=ConnectionLimit(connections=connections, because="the property's"))
    room = Room(strategy=Strategy(), limit=policy.connection_limit, bounds=knobs[Knob.REPLICAS])
    way = plan_within(before, target, engines=1, because="", room=room)
    assume(isinstance(way, Plan) and way.steps)
    assert isinstance(way, Plan)
    world = World(stands=before, policy=policy, hold_s=0.02, healthy=True)
    world.status = replace(world.status, change=a_change(before, target, at=NOON, through=way.through))
    for death in lives(deaths):
        world.sweep(death)

    assert (list(way.steps), target) == (world.written, world.stands)
    assert world.peak <= max(connections, before.connections(1))
    assert world.status.change is not None
    assert world.status.change.outcome is Outcome.APPLIED


@pytest.mark.parametrize(("before", "bounds"), STORIES)
@settings(max_examples=60)
@given(
    deaths=st.lists(st.sampled_from(DEATHS), min_size=1, max_size=12),
    edit=st.sampled_from([a_configuration(7), a_configuration(pool_size=3), a_configuration(workers=2)]),
)
def test_p7_a_foreign_edit_ends_a_change_for_good(
    before: Configuration, bounds: dict[str, Any], deaths: list[str], edit: Configuration
) -> None:
    """Whenever somebody else sets something, the change is abandoned and nothing more is written within its cooldown."""
    world = a_world(before, **bounds)
    for death in deaths:
        world.sweep(death)
    change, written = world.status.change, list(world.written)
    if change is None or change.outcome is not Outcome.APPLYING:
        return
    world.stands, world.settles_at = edit, world.now

    for _ in range(10):
        world.sweep()

    assert written == world.written
    assert edit == world.stands
    assert world.status.change is not None
    assert Outcome.ABANDONED is world.status.change.outcome
