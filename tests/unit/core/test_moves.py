"""Which way the knobs may be moved for a bottleneck."""

import pytest
from hypothesis import given

from apituner.core.configuration import Configuration
from apituner.core.finding import Bottleneck
from apituner.core.moves import MOVES, Move, moves, permits
from builders import a_configuration
from strategies import configurations


@pytest.mark.parametrize(
    ("expected", "there"),
    [
        pytest.param(set(), a_configuration(), id="nothing"),
        pytest.param({Move.REPLICAS_UP, Move.ONE_REPLICA}, a_configuration(replicas=3), id="a pod more"),
        pytest.param({Move.REPLICAS_UP}, a_configuration(replicas=4), id="two pods more"),
        pytest.param({Move.REPLICAS_DOWN}, a_configuration(replicas=1), id="a pod less"),
        pytest.param({Move.WORKERS_UP, Move.POOL_SPLIT}, a_configuration(workers=2, pool_size=1), id="a pod's connections on two workers"),
        pytest.param({Move.WORKERS_UP}, a_configuration(workers=2), id="twice a pod's connections"),
        pytest.param({Move.POOL_DOWN}, a_configuration(pool_size=1), id="a smaller pool"),
        pytest.param({Move.POOL_UP}, a_configuration(pool_size=2, max_overflow=1), id="overflow counts"),
        pytest.param({Move.POOL_UP, Move.REPLICAS_DOWN}, a_configuration(replicas=1, pool_size=9), id="fewer pods with larger pools"),
    ],
)
def test_moves(expected: set[Move], there: Configuration) -> None:
    """Each knob by itself, but a pool by what becomes of the workers."""
    assert expected == moves(a_configuration(), there)


def test_workers_down_with_a_smaller_pool() -> None:
    """The pool is not shared out but shrunk."""
    assert {Move.WORKERS_DOWN, Move.POOL_DOWN} == moves(a_configuration(workers=2), a_configuration(pool_size=1))


@pytest.mark.parametrize(
    ("expected", "bottleneck", "there"),
    [
        pytest.param(True, Bottleneck.POD_FAILURE, a_configuration(replicas=3), id="one pod stands in for one that fails"),
        pytest.param(False, Bottleneck.POD_FAILURE, a_configuration(replicas=4), id="two pods do not"),
        pytest.param(True, Bottleneck.WORKER_CPU, a_configuration(replicas=3), id="CPU: a pod more"),
        pytest.param(True, Bottleneck.WORKER_CPU, a_configuration(replicas=4), id="CPU: two pods more"),
        pytest.param(False, Bottleneck.WORKER_CPU, a_configuration(pool_size=9), id="CPU: no larger pool"),
        pytest.param(False, Bottleneck.DATABASE_SATURATED, a_configuration(replicas=1, pool_size=9), id="a database: nothing that grows"),
        pytest.param(True, Bottleneck.EXTERNAL_SLOW, a_configuration(), id="to stay is always allowed"),
    ],
)
def test_permits(expected: bool, bottleneck: Bottleneck, there: Configuration) -> None:  # noqa: FBT001 - a column of the table
    """All that moves must be allowed to."""
    assert expected is permits(bottleneck, a_configuration(), there)


@given(here=configurations(), there=configurations())
def test_p2_nothing_that_is_permitted_opens_a_connection_where_the_database_is_the_trouble(
    here: Configuration, there: Configuration
) -> None:
    """A saturated database, or one out of connections, is only ever relieved."""
    for bottleneck in (Bottleneck.DATABASE_SATURATED, Bottleneck.CONNECTION_BUDGET):
        if permits(bottleneck, here, there):
            assert there.connections(1) <= here.connections(1)


def test_every_bottleneck_has_its_moves() -> None:
    """Also those for which nothing helps."""
    assert MOVES.keys() == set(Bottleneck)
