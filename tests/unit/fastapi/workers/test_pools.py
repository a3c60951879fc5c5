"""One pool's fault is not another's, and what cannot be read is not known."""

import math

import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi.database.watch import PoolState, PoolWatch
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.workers.pools import Pools


class _World:
    """Two pools, of which the first can be broken."""

    def __init__(self) -> None:
        self.signals = Signals(CollectorRegistry())
        self.pools = Pools(self.signals)
        self.broken = False
        self.pools.add(PoolWatch("main", self.signals, self._state), of_this_life=True)
        self.pools.add(PoolWatch("reports", self.signals, lambda: _FULL), of_this_life=False)

    def _state(self) -> PoolState:
        if self.broken:
            raise AttributeError("checkedin")
        return _FULL

    def published(self, name: str) -> list[float | None]:
        """Return the gauges of a pool: idle, used, the most, and the most that are kept."""
        pool = {"db_client_connection_pool_name": name}
        read = self.signals.registry.get_sample_value
        return [
            *(read("db_client_connection_count", pool | {"db_client_connection_state": state}) for state in ("idle", "used")),
            *(read(f"db_client_connection_{bound}", pool) for bound in ("max", "idle_max")),
        ]


_FULL = PoolState(kind="QueuePool", idle=1, used=4, kept=5, limit=15)


def test_a_pool_that_cannot_be_read_is_not_known_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """Its last state is not shown as if it were the present one; the log says so once, and it is known again when it can be read."""
    world = _World()
    world.pools.publish()
    world.broken = True
    world.pools.publish()
    world.pools.publish()
    assert all(value is not None and math.isnan(value) for value in world.published("main"))
    assert world.published("reports") == [1, 4, 15, 5]
    assert caplog.messages == [
        "pool 'main' cannot be read (AttributeError: checkedin), so its state is not known: observe the pool that is in use"
    ]
    world.broken = False
    world.pools.publish()
    assert world.published("main") == [1, 4, 15, 5]


def test_a_pool_of_a_lifespan_is_forgotten_with_it() -> None:
    """It has no connections any more; the next lifespan may use its name."""
    world = _World()
    world.pools.publish()
    world.pools.end_life()
    world.pools.publish()
    assert world.pools.names == ("reports",)
    assert world.published("main") == [0, 0, 0, 0]
    assert world.published("reports") == [1, 4, 15, 5]
