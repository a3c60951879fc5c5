"""The account of one budget: who holds what, at what price, and what is left for whom."""

from dataclasses import replace

import pytest

from apituner.core.change import Change, Outcome
from apituner.core.memory import Memory
from apituner.core.workload import Workload
from apituner.engine.budgets import Holding, Ledger, Unknown, holding
from apituner.ports import Target
from builders import NOON, a_configuration, a_policy, a_workload

TARGET = Target(
    namespace="shop", name="orders", deployment="orders", container=None, variables=(), objective=a_policy().objective, source="x"
)


def _held(name: str, connections: int, at_peak: int | None = None) -> Holding:
    return Holding(namespace="shop", name=name, connections=connections, at_peak=connections if at_peak is None else at_peak)


def test_what_others_hold_at_their_peak_is_not_to_be_had() -> None:
    """Ninety less the thirty that another may hold in the middle of its rollout; my own do not count against me."""
    ledger = Ledger(limit=90, because="100 less 10", holdings=(_held("orders", 10), _held("carts", 20, 30)))

    assert ledger.limit_for("shop", "orders").connections == 60
    assert (ledger.free, ledger.overdrawn) == (50, 0)


def test_with_somebody_unknown_nobody_may_take_more_than_they_have() -> None:
    """The unknown one could hold everything that seems free; the sentence names it."""
    ledger = Ledger(limit=90, because="", holdings=(_held("orders", 10), Unknown(namespace="shop", name="carts")))

    assert ledger.limit_for("shop", "orders").connections == 10
    assert "shop/carts" in ledger.limit_for("shop", "orders").because
    assert ledger.limit_for("shop", "new").connections == 0


def test_an_overdrawn_budget_leaves_nothing_and_says_by_how_much() -> None:
    """Never a negative limit."""
    ledger = Ledger(limit=25, because="", holdings=(_held("orders", 10), _held("carts", 20, 30)))

    assert (ledger.limit_for("shop", "orders").connections, ledger.overdrawn, ledger.free) == (0, 15, 0)


def _changing(outcome: Outcome = Outcome.APPLYING, peak: int | None = None) -> Memory:
    before, target = a_configuration(2, 1, 20), a_configuration(2, 1, 5)
    change = Change(plan="p", at=NOON, reason="r", because="", outcome=outcome, before=before, target=target, peak=peak)
    return Memory(change=change)


_SMALL = a_configuration(2, 1, 5)


@pytest.mark.parametrize(
    ("expected", "workload", "memory"),
    [
        pytest.param((10, 10), a_workload(_SMALL), Memory(), id="at rest: replicas times pool"),
        pytest.param((15, 15), a_workload(_SMALL, terminating_replicas=1), Memory(), id="a stopping pod holds on"),
        pytest.param((15, 15), a_workload(_SMALL, total_replicas=3), Memory(), id="a pod too many holds on"),
        pytest.param((20, 20), a_workload(a_configuration(4, 1, 5), total_replicas=2), Memory(), id="pods that are to come count"),
        pytest.param(
            (50, 50), a_workload(_SMALL, terminating_replicas=2), _changing(), id="stopping pods are priced by the template they had"
        ),
        pytest.param((10, 10), a_workload(_SMALL), _changing(), id="a decrease counts once all old pods are gone"),
        pytest.param((80, 80), a_workload(_SMALL, terminating_replicas=2), _changing(Outcome.ABANDONED), id="half a change, given up"),
        pytest.param((15, 15), a_workload(_SMALL, terminating_replicas=1), _changing(Outcome.APPLIED), id="a change long over"),
        pytest.param((15, 15), a_workload(_SMALL, terminating_replicas=1), _changing(Outcome.IMPROVED), id="a change judged better"),
        pytest.param(
            (80, 80), a_workload(_SMALL, terminating_replicas=2), _changing(Outcome.WORSE), id="a change that could not be undone"
        ),
        pytest.param((35, 35), a_workload(_SMALL, terminating_replicas=2), _changing(peak=35), id="no more than the change was granted"),
        pytest.param(
            (160, 160),
            a_workload(a_configuration(6, 1, 5), terminating_replicas=2),
            _changing(peak=35),
            id="an autoscaler's pods were not granted to the change",
        ),
    ],
)
def test_what_pods_may_hold(expected: tuple[int, int], workload: Workload, memory: Memory) -> None:
    """What is seen and what is configured is five a pod throughout."""
    priced = holding(TARGET, workload, (_SMALL,), memory)

    assert expected == (priced.connections, priced.at_peak)


def test_a_change_is_priced_with_all_old_pods_beside_all_new_ones() -> None:
    """From the intention on, before the first write: two of 2 beside two of 20."""
    change = Change(
        plan="p",
        at=NOON,
        reason="r",
        because="",
        outcome=Outcome.APPLYING,
        before=a_configuration(2, 1, 2),
        target=a_configuration(2, 1, 20),
    )

    priced = holding(TARGET, a_workload(), (a_configuration(),), Memory(change=change))

    assert (priced.connections, priced.at_peak) == (4, 44)


def test_p2_a_change_that_makes_room_for_itself_is_priced_by_its_own_order() -> None:
    """Through one pod: 20 beside 5, and not two of each."""
    change = replace(_changing().change or pytest.fail("no change"), through=1)

    priced = holding(TARGET, a_workload(a_configuration(2, 1, 20)), (a_configuration(2, 1, 20),), Memory(change=change))

    assert (priced.connections, priced.at_peak) == (40, 40)
