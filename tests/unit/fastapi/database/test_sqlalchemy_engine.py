"""The wait for a connection, the opening and the use of it are told apart. The async engine is tried in tests/e2e, with a real database."""

import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, create_engine, exc, literal, select, text
from sqlalchemy.pool import NullPool, Pool, QueuePool

from apituner.fastapi.database.sqlalchemy_engine import watch_engine
from apituner.fastapi.measures.signals import Signals


class _World:
    """A watched engine with one connection."""

    def __init__(self, *, max_overflow: int = 0, poolclass: type[Pool] = QueuePool) -> None:
        size = {"pool_size": 1, "max_overflow": max_overflow, "pool_timeout": 0.001} if poolclass is QueuePool else {}
        self.engine: Engine = create_engine("sqlite://", poolclass=poolclass, **size)
        self.signals = Signals(CollectorRegistry())
        self.watch = watch_engine("main", self.engine, self.signals)

    def read(self, name: str, **labels: str) -> float | None:
        """Read one series, after everything that was noted is counted."""
        self.signals.tallies.count()
        return self.signals.registry.get_sample_value(name, labels)

    def value(self, name: str, **labels: str) -> float | None:
        """Read a signal of the pool."""
        return self.read(f"db_client_{name}", db_client_connection_pool_name="main", **labels)

    def gauges(self) -> dict[str, float | None]:
        """Read the pool's gauges as they are published now."""
        self.watch.publish()
        return {
            "idle": self.value("connection_count", db_client_connection_state="idle"),
            "used": self.value("connection_count", db_client_connection_state="used"),
            "max": self.value("connection_max"),
            "idle_max": self.value("connection_idle_max"),
            "pending": self.value("connection_pending_requests"),
        }


@pytest.fixture
def world() -> Iterator[_World]:
    """A world whose connections are closed at the end."""
    made = _World()
    yield made
    made.engine.dispose()


def test_every_acquisition_is_a_wait_a_use_and_the_first_an_opening(world: _World) -> None:
    """Two transactions on one connection: two waits, two uses, one connection opened."""
    for _ in range(2):
        with world.engine.connect() as connection:
            connection.execute(text("select 1"))
    assert [world.value(f"connection_{what}_time_seconds_count") for what in ("wait", "use", "create")] == [2, 2, 1]
    assert world.read("db_client_operation_duration_seconds_count", db_system_name="sqlite") == 2


def test_opening_a_connection_is_no_wait_for_one(world: _World) -> None:
    """The opening is taken off the wait: else a cold pool would look like a small one."""
    with world.engine.connect():
        pass
    wait_s = world.value("connection_wait_time_seconds_sum")
    create_s = world.value("connection_create_time_seconds_sum")
    assert wait_s is not None
    assert create_s is not None
    assert 0 <= wait_s < create_s


def test_a_timeout_is_counted_and_its_wait_observed(world: _World) -> None:
    """Who waits in vain waits the longest: leaving it out would make a starved pool look well."""
    with world.engine.connect(), pytest.raises(exc.TimeoutError):
        world.engine.connect()
    assert world.value("connection_timeouts_total") == 1
    assert world.value("connection_wait_time_seconds_count") == 2
    waited_s = world.value("connection_wait_time_seconds_sum")
    assert waited_s is not None
    assert waited_s >= 0.001


def test_gauges_tell_the_state_of_the_pool(world: _World) -> None:
    """Used, then idle; the most is size and overflow together."""
    with world.engine.connect():
        assert world.gauges() == {"idle": 0, "used": 1, "max": 1, "idle_max": 1, "pending": 0}
    assert world.gauges() == {"idle": 1, "used": 0, "max": 1, "idle_max": 1, "pending": 0}


def test_a_pool_without_a_limit_says_so() -> None:
    """An overflow of -1 is a most of infinity, which no budget can hold."""
    assert _World(max_overflow=-1).gauges()["max"] == float("inf")


def test_signals_before_the_first_use_are_zero_and_not_missing(world: _World) -> None:
    """Missing is not zero: a pool that never timed out says 0."""
    assert [world.value("connection_timeouts_total"), world.value("connection_wait_time_seconds_count")] == [0, 0]


def test_a_disposed_engine_is_still_watched(world: _World) -> None:
    """SQLAlchemy makes a new pool after dispose(), as workers do that are forked."""
    world.engine.dispose()
    with world.engine.connect():
        assert world.gauges()["used"] == 1
    assert world.value("connection_wait_time_seconds_count") == 1
    assert world.value("connection_use_time_seconds_count") == 1


def test_a_statement_that_fails_took_its_time_too(world: _World) -> None:
    """A statement that runs into its time limit is the slowest of all."""
    with world.engine.connect() as connection, pytest.raises(exc.OperationalError):
        connection.execute(text("select nothing from nowhere"))
    assert world.read("db_client_operation_duration_seconds_count", db_system_name="sqlite") == 1


def test_a_null_pool_is_said_to_have_no_limit() -> None:
    """It keeps nothing and limits nothing: each use opens a connection, and no budget can hold that."""
    world = _World(poolclass=NullPool)
    with world.engine.connect() as connection:
        connection.execute(text("select 1"))
        assert world.gauges() == {"idle": 0, "used": 1, "max": float("inf"), "idle_max": 0, "pending": 0}
    assert world.value("connection_create_time_seconds_count") == 1
    assert world.read("apituning_pool_info", db_client_connection_pool_name="main", pool_class="NullPool") == 1


def test_a_connection_that_cannot_be_opened_is_no_wait_in_vain() -> None:
    """The database refuses: the time it took is neither a wait for others nor a time-out of the pool."""
    world = _World()

    def refuse() -> None:
        time.sleep(0.002)
        raise exc.OperationalError("connect", {}, Exception("refused"))

    world.engine = create_engine("sqlite://", poolclass=QueuePool, creator=refuse)
    watch_engine("other", world.engine, world.signals)
    with pytest.raises(exc.OperationalError):
        world.engine.connect()
    other = {"db_client_connection_pool_name": "other"}
    assert (world.read("db_client_connection_wait_time_seconds_sum", **other) or 0) < 0.002
    assert world.read("db_client_connection_timeouts_total", **other) == 0


def test_compiled_statements_are_still_kept(world: _World) -> None:
    """SQLAlchemy looks at each dialect class by itself for that, and compiling anew doubles the cost of a statement."""
    with world.engine.connect() as connection:
        for _ in range(2):
            kept = connection.execute(select(literal(1))).context.cache_hit
    assert kept.name == "CACHE_HIT"


def test_a_watched_pool_is_still_what_it_was(world: _World) -> None:
    """Applications ask for its class and its name."""
    assert isinstance(world.engine.pool, QueuePool)
    assert type(world.engine.pool).__name__ == "QueuePool"
    assert type(world.engine.dialect).__name__ == type(create_engine("sqlite://").dialect).__name__
