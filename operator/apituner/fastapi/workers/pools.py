"""The connection pools of one application: each is published apart from the others, whatever becomes of one."""

import logging
import math

from apituner.fastapi.database.watch import PoolWatch
from apituner.fastapi.measures.signals import Signals

_log = logging.getLogger("apituner.fastapi")


class Pools:
    """The pools that are watched for as long as the application lives, and those of its present lifespan alone."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._watched: tuple[PoolWatch, ...] = ()
        self._of_this_life: tuple[PoolWatch, ...] = ()
        self._unreadable: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all, in the order in which they came."""
        return tuple(pool.name for pool in self._watched)

    def add(self, pool: PoolWatch, *, of_this_life: bool) -> None:
        """Publish *pool* from now on: until `end_life` if it is *of_this_life*, as one that is made in a lifespan."""
        self._watched += (pool,)
        if of_this_life:
            self._of_this_life += (pool,)

    def end_life(self) -> None:
        """Forget the pools of the lifespan that is over, so that the next may make its own: there are no connections in them any more."""
        gone, self._of_this_life = self._of_this_life, ()
        self._watched = tuple(pool for pool in self._watched if pool not in gone)
        for pool in gone:
            self._state(pool.name, 0)

    def publish(self) -> None:
        """Set the gauges of all pools; the state of one that cannot be read is not known, which is neither zero nor the last one."""
        for pool in self._watched:
            try:
                pool.publish()
            except Exception as error:  # noqa: BLE001 - whatever the application does to its pool, the others are published
                self._state(pool.name, math.nan)
                if pool.name not in self._unreadable:
                    self._unreadable.add(pool.name)
                    _log.warning(
                        "pool %r cannot be read (%s: %s), so its state is not known: observe the pool that is in use",
                        pool.name,
                        type(error).__name__,
                        error,
                    )

    def _state(self, name: str, value: float) -> None:
        pools = self._signals.pools
        for state in ("idle", "used"):
            pools.count.labels(name, state).set(value)
        pools.max.labels(name).set(value)
        pools.idle_max.labels(name).set(value)
