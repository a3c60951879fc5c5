"""What made things worse is not tried again for a while, and each time for longer."""

from datetime import timedelta

import pytest

from apituner.core.blocks import BLOCKS_MOST, Block, blocking, with_block
from apituner.core.change import Change, Outcome
from apituner.core.configuration import Configuration
from builders import NOON, a_configuration

HERE, POOLED, MORE, FEWER = a_configuration(4), a_configuration(4, pool_size=6), a_configuration(6), a_configuration(2)
HOUR = timedelta(hours=1)


def a_change(before: Configuration = HERE, target: Configuration = POOLED) -> Change:
    """Return a change that made things worse."""
    return Change(plan="p", at=NOON, reason="r", because="", outcome=Outcome.WORSE, before=before, target=target)


def test_p4_each_repetition_doubles_the_block_up_to_a_day() -> None:
    """1, 2, 4, 8, 16, 24, 24 hours."""
    blocks: tuple[Block, ...] = ()
    lasted = []
    for _ in range(7):
        blocks = with_block(blocks, a_change(), NOON)
        lasted.append((blocks[0].until - NOON) / HOUR)

    assert lasted == [1, 2, 4, 8, 16, 24, 24]
    assert [(one.target, one.count) for one in blocks] == [(POOLED, 7)]


def test_a_block_that_ended_a_day_ago_is_forgiven() -> None:
    """Until then it is remembered, so that the next one lasts longer."""
    once = with_block((), a_change(), NOON)
    other = a_change(target=a_configuration(4, workers=3))

    assert len(with_block(once, other, NOON + 24 * HOUR)) == 2
    assert len(with_block(once, other, NOON + 25 * HOUR)) == 1


def test_blocks_are_bounded() -> None:
    """The newest ten are kept."""
    blocks: tuple[Block, ...] = ()
    for workers in range(2, 15):
        blocks = with_block(blocks, a_change(target=a_configuration(4, workers=workers)), NOON)

    assert len(blocks) == BLOCKS_MOST
    assert blocks[0].target.workers == 14


@pytest.mark.parametrize(
    ("blocked", "tried", "before", "target"),
    [
        pytest.param(True, a_change(), HERE, POOLED, id="the same again"),
        pytest.param(True, a_change(), HERE, a_configuration(9, pool_size=6), id="the same template for more pods"),
        pytest.param(True, a_change(), HERE, a_configuration(4, pool_size=8), id="two connections more"),
        pytest.param(False, a_change(), HERE, a_configuration(4, pool_size=9), id="three connections more"),
        pytest.param(False, a_change(), HERE, a_configuration(4, workers=2, pool_size=6), id="other workers"),
        pytest.param(False, a_change(), POOLED, a_configuration(6, pool_size=6), id="pods where the rollout could not be undone"),
        pytest.param(False, a_change(target=MORE), HERE, POOLED, id="a rollout where pods were in vain"),
        pytest.param(True, a_change(target=FEWER), HERE, FEWER, id="as few pods as were too few"),
        pytest.param(True, a_change(target=FEWER), HERE, a_configuration(1), id="fewer still"),
        pytest.param(False, a_change(target=FEWER), HERE, a_configuration(3), id="not so few"),
        pytest.param(False, a_change(target=MORE), HERE, FEWER, id="fewer where more were in vain"),
        pytest.param(False, a_change(target=FEWER), POOLED, a_configuration(2, pool_size=6), id="as few pods of another template"),
        pytest.param(True, a_change(target=MORE), HERE, MORE, id="exactly as many as were in vain"),
        pytest.param(False, a_change(target=MORE), HERE, a_configuration(7), id="more than those: the load may be larger"),
        pytest.param(False, a_change(target=FEWER), a_configuration(1), FEWER, id="up to where fewer were too few"),
    ],
)
def test_p4_what_is_the_same_attempt(blocked: bool, tried: Change, before: Configuration, target: Configuration) -> None:  # noqa: FBT001
    """Near enough in the same direction."""
    blocks = with_block((), tried, NOON)

    assert blocked is (blocking(blocks, before, target, NOON) is not None)
    assert blocking(blocks, before, target, NOON + HOUR) is None
