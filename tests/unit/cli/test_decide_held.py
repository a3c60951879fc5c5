"""What is held in memory between lines, what is not, and what becomes of it after a restart."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from apituner.cli.filter.brain import Brain
from apituner.cli.filter.held import Held, Shelf
from apituner.cli.filter.rollouts import LONG_AGO, Rollouts
from apituner.core.configuration import Configuration
from apituner.core.plan import Rollout, Scale
from apituner.core.policy import Policy
from apituner.core.snapshot import Snapshot
from apituner.core.workload import Workload
from builders import NOON, a_configuration, a_workload
from questions import a_line, asked, first, later


def _at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_the_shelf_is_bounded() -> None:
    """The API that was not asked about for the longest time goes; asking about it again keeps it."""
    shelf = Shelf(most=2)
    for api in ("a", "b", "a", "c"):
        shelf.keep(api, Held())

    assert [True, False, True] == [shelf.of(api) is not None for api in ("a", "b", "c")]


def test_an_api_that_was_let_go_goes_on_from_its_status() -> None:
    """With one place for two APIs every line meets a brain that forgot: the status alone carries the memory."""
    forgetful, roomy = Brain(_shelf=Shelf(most=1)), Brain()
    kinds: dict[str, list[str]] = {"forgetful": [], "roomy": []}
    for name, brain in (("forgetful", forgetful), ("roomy", roomy)):
        statuses: dict[str, Any] = {}
        for place in range(4):
            for api in ("shop/a", "shop/b"):
                answer = asked(brain, later(15 * place, {"id": api, "status": statuses.get(api)}))
                statuses[api] = answer["status"]
                kinds[name].append(answer["decision"]["kind"])

    assert kinds["roomy"] == kinds["forgetful"]
    assert "Apply" in kinds["forgetful"]


def test_memory_stands_in_the_status_alone() -> None:
    """Whoever hands no status back is met as for the first time, however often."""
    brain = Brain()

    assert {"Stabilizing"} == {asked(brain, later(15 * place))["decision"]["reason"] for place in range(6)}


def test_a_status_of_elsewhere_is_read() -> None:
    """Another brain's status carries on there, as after a restart of the operator; nulls in it mean nothing."""
    _, applied = first("Apply", Brain())
    status = {**applied["status"], "observed": None}
    waiting = asked(Brain(), later(60, {"status": status, "deployment.updatedReplicas": 1}))

    assert "RolloutInProgress" == waiting["decision"]["reason"]
    assert applied["status"]["lastChange"] == waiting["status"]["lastChange"]


def test_apis_do_not_share_memory() -> None:
    """Two ids in one stream are answered as in two."""
    together, alone = Brain(), Brain()
    for place in range(3):
        asked(together, later(15 * place, {"id": "shop/other", "signals.values.requests_rps": 10, "deployment.templateHash": f"{place}"}))
        assert asked(alone, later(15 * place)) == asked(together, later(15 * place))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """Estimates that only know how many windows they have seen, and of when."""

    seen_at: tuple[datetime, ...] = ()

    def seeing(self, seen: Snapshot, _here: Configuration, _workload: Workload, _policy: Policy) -> "_Counted":
        return replace(self, seen_at=(*self.seen_at, seen.taken_at))


def _window(seconds: float) -> dict[str, Any]:
    return {**a_line()["signals"], "at": _at(seconds).isoformat()}


@pytest.mark.parametrize(
    ("expected", "last"),
    [
        pytest.param([-2, 13, 28], {}, id="every window once"),
        pytest.param([-2, 13], {"signals": None}, id="nothing of what was not seen"),
        pytest.param([-2, 13], {"signals.podsReporting": 1}, id="nothing of what cannot be trusted"),
        pytest.param([28], {"restart": True}, id="a restart drops what was learned"),
        pytest.param([-90, -30, 28], {"restart": True, "history": [_window(-90), _window(-30)]}, id="and history brings it back"),
    ],
)
def test_what_is_learned_window_by_window(expected: list[float], last: dict[str, Any]) -> None:
    """Estimates are held in memory, and folded together from what Prometheus gives back."""
    brain = Brain(unlearned=_Counted())
    for place, change in enumerate([{}, {}, last]):
        asked(brain, later(15 * place, change))
    held = brain._shelf.of("shop/orders")

    assert held is not None
    assert isinstance(held.estimates, _Counted)
    assert [_at(seconds) for seconds in expected] == list(held.estimates.seen_at)


_EVER = (LONG_AGO - NOON).total_seconds()
ROLLING: dict[str, Any] = {"updated_replicas": 1, "template_hash": "new"}
RESTING: dict[str, Any] = {"template_hash": "new"}


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        pytest.param([_EVER], [{}], id="at rest when first seen: for long"),
        pytest.param([_EVER, _EVER], [{}, {}], id="and later, while nothing moves"),
        pytest.param([_EVER, None, 30, 30], [{}, ROLLING, RESTING, RESTING], id="a rollout ends when it is first seen to be over"),
        pytest.param([_EVER, 15], [{}, RESTING], id="also one that began and ended between two lines"),
        pytest.param([None, 15], [ROLLING, RESTING], id="also one that was on its way when first seen"),
        pytest.param([_EVER, 15, 15], [{}, RESTING, {**RESTING, "ready_replicas": 1}], id="a pod that restarts is no rollout"),
        pytest.param([_EVER, 15, 15], [{}, RESTING, {**RESTING, "replicas": 1, "total_replicas": 1}], id="nor is giving pods up"),
        pytest.param([_EVER, 15, None], [{}, RESTING, {**RESTING, "replicas": 3}], id="pods that are yet to be made are no end of one"),
        pytest.param(
            [_EVER, 15, None, 45], [{}, RESTING, {**ROLLING, "template_hash": "old"}, {"template_hash": "old"}], id="one after the other"
        ),
    ],
)
def test_when_a_rollout_ended(expected: list[float | None], seen: list[dict[str, Any]]) -> None:
    """Fifteen seconds apart; never earlier than it was, so that a window is never taken for clean that is not."""
    rollouts, told = Rollouts(), list[datetime | None]()
    for place, facts in enumerate(seen):
        workload = a_workload(**{"template_hash": "old", **facts})
        rollouts = rollouts.seeing(workload, _at(15 * place))
        told.append(rollouts.dated(workload).rolled_out_at)

    assert [None if seconds is None else _at(seconds) for seconds in expected] == told


def test_ending_pods_that_nobody_counts_may_live_for_their_grace_period() -> None:
    """Older API servers do not tell of them."""
    rollouts = Rollouts()
    for place, facts in enumerate([{"template_hash": "old"}, ROLLING, RESTING]):
        rollouts = rollouts.seeing(a_workload(**facts), _at(15 * place), counts_ending=False)

    assert _at(30 + 30) == rollouts.ended_at


@pytest.mark.parametrize(
    ("expected", "step", "at"),
    [
        pytest.param(False, Scale(replicas=3), a_configuration(replicas=2), id="not yet"),
        pytest.param(True, Scale(replicas=3), a_configuration(replicas=3), id="scaled"),
        pytest.param(False, Rollout(workers=1, pool_size=5, max_overflow=0), a_configuration(pool_size=2), id="not rolled out yet"),
        pytest.param(True, Rollout(workers=1, pool_size=5, max_overflow=0), a_configuration(pool_size=5), id="rolled out"),
    ],
)
def test_when_we_wrote_last(expected: bool, step: Scale | Rollout, at: Configuration) -> None:  # noqa: FBT001 - a column of the table
    """The moment of the Apply, from the line on that shows it carried out."""
    rollouts = Rollouts().asking_for(step, _at(0)).seeing(a_workload(at), _at(15)).asking_for(None, _at(15))

    assert (_at(0) if expected else None) == rollouts.dated(a_workload(at)).written_at


@pytest.mark.parametrize(
    ("expected", "step", "pool"),
    [
        pytest.param("old", Rollout(workers=1, pool_size=5, max_overflow=0), 5, id="our own new pool is the same program"),
        pytest.param("new", Rollout(workers=1, pool_size=5, max_overflow=0), 4, id="another pool than ours is somebody else's work"),
        pytest.param("new", None, 2, id="a release is another program"),
        pytest.param("new", Scale(replicas=2), 2, id="also one that comes when only pods were asked for"),
    ],
)
def test_which_program_runs(expected: str, step: Scale | Rollout | None, pool: int) -> None:
    """What is learned of a program holds until another one is rolled out; by whom, the step that was asked for tells."""
    before, after = a_workload(template_hash="old"), a_workload(a_configuration(pool_size=pool), template_hash="new")
    rollouts = Rollouts().seeing(before, _at(0)).asking_for(step, _at(0)).seeing(after, _at(15)).seeing(after, _at(30))

    assert expected == rollouts.dated(after).template_hash


def test_settings_may_be_seen_before_the_hash_that_they_lead_to() -> None:
    """The API server keeps the settings on the Deployment, and the hash on a ReplicaSet that is made a moment later."""
    ours = Rollout(workers=1, pool_size=5, max_overflow=0)
    rollouts = Rollouts().seeing(a_workload(template_hash="old"), _at(0)).asking_for(ours, _at(0))
    for place, template in enumerate(["old", "new"]):
        rollouts = rollouts.seeing(a_workload(a_configuration(pool_size=5), template_hash=template), _at(15 + 15 * place))

    assert rollouts.dated(a_workload()).template_hash == "old"


def test_a_restart_is_no_release() -> None:
    """The program goes by the name that the last change was noted with, until another one is rolled out."""
    rollouts = Rollouts(program="noted").seeing(a_workload(template_hash="old"), _at(0))
    released = rollouts.seeing(a_workload(template_hash="new"), _at(15))

    assert ["noted", "new"] == [one.dated(a_workload()).template_hash for one in (rollouts, released)]
