"""The wait for a connection, the opening and the use of it are told apart. The async engine is tried in tests/e2e, with a real database."""

import sqlite3
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, create_engine, exc, text
from sqlalchemy.pool import NullPool, Pool, QueuePool, StaticPool

from apituner.fastapi.database.sqlalchemy_engine import watch_engine
from apituner.fastapi.measures.signals import Signals
from pooled import Request

_OPENING_S = 0.02


def _slowly_opened() -> sqlite3.Connection:
    time.sleep(_OPENING_S)
    return sqlite3.connect(":memory:")


class _World:
    """A watched engine with one connection."""

    def __init__(self, *, max_overflow: int = 0, poolclass: type[Pool] = QueuePool, **given: object) -> None:
        size: dict[str, object] = {"pool_size": 1, "max_overflow": max_overflow, "pool_timeout": 0.001} if poolclass is QueuePool else {}
        self.engine: Engine = create_engine("sqlite://", poolclass=poolclass, **size, **given)
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


def test_opening_a_connection_is_no_wait_for_one() -> None:
    """The opening is taken off the wait: else a cold pool would look like a small one."""
    world = _World(creator=_slowly_opened)
    world.engine.connect().close()
    assert (world.value("connection_create_time_seconds_sum") or 0) >= _OPENING_S
    assert (world.value("connection_wait_time_seconds_sum") or 0) < _OPENING_S
    world.engine.dispose()


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


@pytest.mark.parametrize("max_overflow", [pytest.param(0, id="none but those that are kept"), pytest.param(3, id="three more for a while")])
def test_the_settings_in_force_are_told(max_overflow: int) -> None:
    """By the names of the environment, so that what was asked for can be compared."""
    world = _World(max_overflow=max_overflow)
    world.watch.publish()
    settings = {name: world.read("apituning_effective_setting", setting=name, pool="main") for name in ("db_pool_size", "db_max_overflow")}
    assert settings == {"db_pool_size": 1, "db_max_overflow": max_overflow}


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

    def refuse() -> None:
        time.sleep(_OPENING_S)
        raise exc.OperationalError("connect", {}, Exception("refused"))

    world = _World(creator=refuse)
    with pytest.raises(exc.OperationalError):
        world.engine.connect()
    assert (world.value("connection_wait_time_seconds_sum") or 0) < _OPENING_S
    assert (world.value("connection_wait_time_seconds_count"), world.value("connection_timeouts_total")) == (1, 0)


def test_a_watched_pool_is_still_what_it_was(world: _World) -> None:
    """Applications ask for its class and its name."""
    assert isinstance(world.engine.pool, QueuePool)
    assert type(world.engine.pool).__name__ == "QueuePool"
    assert type(world.engine.dialect).__name__ == type(create_engine("sqlite://").dialect).__name__


def test_the_error_of_a_creator_is_the_one_that_is_raised() -> None:
    """An exception need not be hashable: one that is a dataclass is not."""

    class Refused(Exception):  # noqa: N818 - somebody's own
        __hash__ = None  # type: ignore[assignment]  # as said

    def refuse() -> None:
        raise Refused

    engine = create_engine("sqlite://", poolclass=QueuePool, creator=refuse)
    watch_engine("main", engine, Signals(CollectorRegistry()))
    with pytest.raises(Refused):
        engine.connect()


def test_a_time_out_after_a_lost_race_is_one() -> None:
    """Where another thread takes the last connection, the pool asks itself again, and waits in vain there."""

    class Raced(QueuePool):
        def _inc_overflow(self) -> bool:
            super()._inc_overflow()  # for the other thread
            return False

    world = _World()
    world.engine = create_engine("sqlite://", poolclass=Raced, pool_size=1, max_overflow=0, pool_timeout=0.001)
    watch_engine("main", world.engine, world.signals)
    with pytest.raises(exc.TimeoutError):
        world.engine.connect()
    assert (world.value("connection_timeouts_total"), world.value("connection_wait_time_seconds_count")) == (1, 1)


def test_a_connection_given_back_after_the_response_is_charged_then(world: _World, request_under_way: Request) -> None:
    """A dependency with yield is closed when the response is out; a connection that is asked for after that is nobody's."""
    world.engine.connect().close()
    request_under_way.begin_again()
    with world.engine.connect():
        request_under_way.exchange.finished = True
    with world.engine.connect() as connection:
        connection.execute(text("select 1"))
    assert len(request_under_way.late_s) == 1
    assert request_under_way.asked() == ["wait"]
    assert world.value("connection_use_time_seconds_count") == 3


def test_an_engine_that_two_apps_have_is_watched_once(world: _World) -> None:
    """A test suite makes an app for each test around one engine: its cost does not grow. Of another registry the newest watcher has it."""
    assert watch_engine("main", world.engine, world.signals) is world.watch
    other = Signals(CollectorRegistry())
    for signals in (world.signals, other):
        watch_engine("main", world.engine, signals)
        with world.engine.connect() as connection:
            connection.execute(text("select 1"))
    for signals in (world.signals, other):
        signals.tallies.count()
        statements = signals.registry.get_sample_value("db_client_operation_duration_seconds_count", {"db_system_name": "sqlite"})
        uses = signals.registry.get_sample_value("db_client_connection_use_time_seconds_count", {"db_client_connection_pool_name": "main"})
        assert (statements, uses) == (1, 1)
    assert type(world.engine.pool).__mro__[1] is QueuePool


def test_options_of_an_engine_are_no_other_pool(world: _World) -> None:
    """An engine with its own execution options shares the pool and the dialect of the engine that it was made of."""
    assert watch_engine("reports", world.engine.execution_options(isolation_level="AUTOCOMMIT"), world.signals) is world.watch


def test_a_pool_that_is_put_in_the_place_of_another_is_watched(world: _World) -> None:
    """Whatever an application does to its engine: the state of its pool can be read, and is of the pool that it has."""
    world.engine.dispose()
    world.engine.pool = StaticPool(world.engine.pool._creator)
    assert world.gauges()["used"] == 0
    with world.engine.connect():
        assert world.gauges() == {"idle": 0, "used": 1, "max": float("inf"), "idle_max": 0, "pending": 0}
    world.engine.dispose()
