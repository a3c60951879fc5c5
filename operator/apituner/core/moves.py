"""Which way each knob may be moved for a bottleneck: what would not cure it, or make another one worse, is not on the list."""

from collections.abc import Mapping
from enum import StrEnum

from apituner.core.configuration import Configuration
from apituner.core.finding import Bottleneck


class Move(StrEnum):
    """One direction of one knob."""

    REPLICAS_UP = "ReplicasUp"
    ONE_REPLICA = "OneReplica"
    """One pod more, to stand in for one that fails."""
    REPLICAS_DOWN = "ReplicasDown"
    WORKERS_UP = "WorkersUp"
    WORKERS_DOWN = "WorkersDown"
    POOL_UP = "PoolUp"
    """More connections for each worker."""
    POOL_DOWN = "PoolDown"
    """Fewer connections for each of as many workers, or fewer."""
    POOL_SPLIT = "PoolSplit"
    """Fewer connections for each of more workers: what the pod holds is shared out anew."""


_NONE: frozenset[Move] = frozenset()

MOVES: Mapping[Bottleneck, frozenset[Move]] = {
    # Replicas follow the load also while nothing is wrong, ahead of it where it is foreseen.
    Bottleneck.NOTHING_WRONG: frozenset({Move.REPLICAS_UP, Move.REPLICAS_DOWN}),
    Bottleneck.UNKNOWN: _NONE,
    Bottleneck.POD_FAILURE: frozenset({Move.ONE_REPLICA}),
    # More pods bring more pools: only less is safe.
    Bottleneck.CONNECTION_BUDGET: frozenset({Move.REPLICAS_DOWN, Move.WORKERS_DOWN, Move.POOL_DOWN}),
    Bottleneck.DATABASE_SATURATED: frozenset({Move.REPLICAS_DOWN, Move.WORKERS_DOWN, Move.POOL_DOWN}),
    Bottleneck.N_PLUS_ONE: _NONE,
    # An idle connection costs the database next to nothing, so within budget and knee more of them buy time for the mending.
    Bottleneck.LONG_TRANSACTION: frozenset({Move.POOL_UP}),
    Bottleneck.EXTERNAL_INSIDE_TRANSACTION: frozenset({Move.POOL_UP}),
    Bottleneck.CPU_THROTTLED: frozenset({Move.REPLICAS_UP, Move.WORKERS_DOWN}),
    # More loops, so that fewer requests stand behind a blocked one; low CPU is no reason to shrink.
    Bottleneck.LOOP_BLOCKED: frozenset({Move.REPLICAS_UP, Move.WORKERS_UP, Move.POOL_SPLIT}),
    # Larger pods may do with fewer of them.
    Bottleneck.WORKER_CPU: frozenset({Move.REPLICAS_UP, Move.REPLICAS_DOWN, Move.WORKERS_UP, Move.POOL_SPLIT}),
    Bottleneck.MEMORY_LIMITS_WORKERS: frozenset({Move.REPLICAS_UP, Move.WORKERS_DOWN}),
    # Every process brings threads of its own.
    Bottleneck.THREADPOOL_EXHAUSTED: frozenset({Move.REPLICAS_UP, Move.WORKERS_UP, Move.POOL_SPLIT}),
    # Pods that were added for a pool's sake may go when the pool is right.
    Bottleneck.POOL_STARVED: frozenset({Move.POOL_UP, Move.REPLICAS_DOWN}),
    Bottleneck.EXTERNAL_SLOW: _NONE,
    Bottleneck.SERIALIZATION_HEAVY: _NONE,
    Bottleneck.BACKGROUND_WORK_IN_PROCESS: _NONE,
    Bottleneck.OVERPROVISIONED: frozenset({Move.REPLICAS_DOWN, Move.WORKERS_DOWN, Move.POOL_DOWN}),
}
"""By bottleneck; an empty set: tuning cannot help."""


def moves(here: Configuration, there: Configuration) -> frozenset[Move]:
    """Return what moves on the way from *here* to *there*; one replica more is both `ONE_REPLICA` and `REPLICAS_UP`."""
    found = set()
    if there.replicas != here.replicas:
        found.add(Move.REPLICAS_UP if there.replicas > here.replicas else Move.REPLICAS_DOWN)
    if there.replicas == here.replicas + 1:
        found.add(Move.ONE_REPLICA)
    if there.workers != here.workers:
        found.add(Move.WORKERS_UP if there.workers > here.workers else Move.WORKERS_DOWN)
    if there.pool_limit > here.pool_limit:
        found.add(Move.POOL_UP)
    elif there.pool_limit < here.pool_limit:
        found.add(Move.POOL_SPLIT if there.workers > here.workers else Move.POOL_DOWN)
    return frozenset(found)


def permits(bottleneck: Bottleneck, here: Configuration, there: Configuration) -> bool:
    """Whether all that moves from *here* to *there* may move for *bottleneck*."""
    allowed, found = MOVES[bottleneck], moves(here, there)
    if Move.ONE_REPLICA in found:
        found -= {Move.REPLICAS_UP} if Move.ONE_REPLICA in allowed else {Move.ONE_REPLICA}
    return found <= allowed
