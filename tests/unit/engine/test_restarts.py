"""The operator may die at any moment: what it was doing is finished, once, by whoever comes next."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apituner.core.configuration import Configuration
from apituner.core.workload import TargetFault
from apituner.engine.registry import Kind
from apituner.ports import NotWritten
from builders import a_configuration
from fakes import World

_TWO_STEPS = {"replicas": {"min": 3, "max": 3}, "pool": {"min": 2, "max": 15, "sizeEnv": "DB_POOL_SIZE", "overflowEnv": "DB_MAX_OVERFLOW"}}
"""Knobs that ask for a pod more and another pool: two writes, one of them a rollout."""
_TWO_WRITES = ["scale to 3 replicas", "roll out 1 workers x pool 4, overflow 0"]


async def test_the_story_has_two_writes() -> None:
    """What the properties below compare with: first the pod, then the rollout."""
    world = World()
    world.deploy()
    world.tune(knobs=_TWO_STEPS)
    await world.run(24)

    assert world.deployments["orders"].written == _TWO_WRITES
    assert world.points >= 12


@settings(max_examples=15, deadline=None)
@given(deaths=st.lists(st.integers(min_value=0, max_value=14), max_size=5))
async def test_death_at_any_point_loses_nothing_and_repeats_nothing(deaths: list[int]) -> None:
    """Killed before or after any write, again and again: the same target by the same two writes, one rollout, and one entry of history."""
    world = World()
    deployment = world.deploy()
    world.tune(knobs=_TWO_STEPS)

    for death in deaths:
        world.killed_at = death
        await world.run_killed(4)
    world.killed_at = None
    await world.run(24)

    assert deployment.written == _TWO_WRITES
    assert world.status()["lastChange"]["outcome"] == "Improved"
    assert len(world.status()["history"]) == 1
    assert world.decision() == ("Keep", "NothingWrong")


@pytest.mark.parametrize("point", range(16))
async def test_death_at_each_single_point(point: int) -> None:
    """Exhaustively for one death, so that no point is left to chance."""
    world = World()
    deployment = world.deploy()
    world.tune(knobs=_TWO_STEPS)
    world.killed_at = point

    await world.run_killed(24)

    assert deployment.written == _TWO_WRITES


@settings(max_examples=6, deadline=None)
@given(restarts=st.sets(st.integers(min_value=0, max_value=24)))
async def test_a_restart_between_sweeps_changes_no_decision(restarts: set[int]) -> None:
    """The statuses after every sweep are those of an operator that never ended."""
    steady, shaken = World(), World()
    for world in (steady, shaken):
        world.deploy()
        world.tune()
    for number in range(25):
        if number in restarts:
            shaken.restart()
        await steady.run(1)
        await shaken.run(1)
        assert steady.decision() == shaken.decision()
    assert steady.deployments["orders"].written == shaken.deployments["orders"].written
    assert steady.status() == shaken.status()


async def test_a_lost_watch_changes_no_decision() -> None:
    """The operator hears nothing of its own statuses, and still begins one change and ends it."""
    world = World()
    deployment = world.deploy()
    world.tune(budget="db")
    world.budget(14)
    await world.run(1)
    world.watched = False

    await world.run(30)

    assert deployment.written == ["roll out 1 workers x pool 5, overflow 0"]
    assert world.told() == ["ChangeBegun", "ChangeImproved"]
    assert world.status("db", Kind.BUDGET)["granted"][0]["connections"] == 10


@pytest.mark.parametrize("restart", [False, True], ids=["the same operator", "another operator"])
async def test_a_target_that_cannot_be_read_breaks_the_evidence(restart: bool) -> None:  # noqa: FBT001 - a case of the table
    """A bottleneck seen before an outage of the API server must last anew after it, with or without a restart in between."""
    world = World()
    deployment = world.deploy()
    world.tune()
    await world.run(2)
    world.faults["orders"] = _unreachable()
    await world.run(3)
    world.faults.clear()
    if restart:
        world.restart()

    await world.run(1)

    assert world.decision() == ("Hold", "Stabilizing")
    assert deployment.written == []


async def test_nothing_is_done_that_could_not_be_written_down() -> None:
    """Without the intention in the status a crash would forget a change that was made."""
    world = World()
    deployment = world.deploy()
    world.tune()
    await world.run(2)
    world.statuses_refused["orders"] = NotWritten(reason="StatusNotWritten", because="503")
    await world.run(5)
    assert deployment.written == []
    world.statuses_refused.clear()

    await world.run(10)

    assert len(deployment.written) == 1


async def test_somebody_elses_change_in_between_is_respected() -> None:
    """A change is given up when the template is neither where it began nor where it leads; what somebody set stays."""
    world = World()
    deployment = world.deploy()
    world.tune(knobs=_TWO_STEPS)
    await world.run(3)
    theirs = Configuration(replicas=3, workers=1, pool_size=9)
    deployment.template = theirs
    deployment.generation += 1

    await world.run(12)

    assert world.status()["lastChange"]["outcome"] == "Abandoned"
    assert theirs == deployment.template


async def test_a_lost_race_for_the_deployment_is_run_again() -> None:
    """Compare-and-set says no once: the same step follows at the next sweep, and no second change is begun."""
    world = World()
    deployment = world.deploy()
    world.tune()
    world.steps_refused["orders"] = NotWritten(reason="ChangedMeanwhile", because="it is decided anew in the next sweep")
    await world.run(4)
    assert world.decision() == ("Hold", "ChangedMeanwhile")
    world.steps_refused.clear()

    await world.run(10)

    assert deployment.written == ["roll out 1 workers x pool 5, overflow 0"]
    assert len(world.status()["history"]) == 1


async def test_a_deleted_object_is_forgotten_and_its_namesake_starts_afresh() -> None:
    """The Deployment stays as it is, and the new object has no history."""
    world = World()
    deployment = world.deploy()
    world.tune()
    await world.run(10)
    world.delete()
    await world.run(2)
    assert a_configuration(2, 1, 5) == deployment.template
    world.tune(mode="Recommend")

    await world.run(2)

    assert "lastChange" not in world.status()
    assert world.decision() == ("Keep", "NothingWrong")


def _unreachable() -> TargetFault:
    return TargetFault(reason="ApiServerUnreachable", because="no answer; it is tried again")


async def test_p6_evidence_that_was_lost_is_lost_after_a_restart_too() -> None:
    """A Deployment that cannot be read breaks what windows had agreed on, in the operator's memory and in the status alike."""
    world = World()
    world.deploy()
    world.tune(mode="Recommend")
    await world.run(2)
    assert "agreement" in world.status()["pace"]
    world.faults["orders"] = TargetFault(reason="ApiServerUnreachable", because="not now")

    await world.run(1)

    assert "pace" not in world.status()
