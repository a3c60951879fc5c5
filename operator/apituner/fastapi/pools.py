"""
What a connection took: waiting for it, opening it, using it.

SQLAlchemy has no event before the wait, so the live pool's class is replaced by one that times ``_do_get`` and ``_create_connection``. That
works for sync and async engines alike and survives ``engine.dispose()``, since a pool is recreated from its class.
"""

import contextvars
import time
from typing import TYPE_CHECKING, Any, Protocol, cast

from apituner.fastapi.signals import Signals

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.pool import ConnectionPoolEntry

_USED_SINCE = "apituner.used_since"


class QueuePool(Protocol):
    """What is needed of SQLAlchemy's QueuePool and AsyncAdaptedQueuePool."""

    _max_overflow: int

    def size(self) -> int:
        """Connections that are kept."""

    def checkedin(self) -> int:
        """Connections that are idle."""

    def checkedout(self) -> int:
        """Connections that are used or being opened."""


class _Acquisition:
    """One request for a connection: when it began, and how much of it went into opening one."""

    __slots__ = ("create_s", "since_s")

    def __init__(self) -> None:
        self.since_s = time.perf_counter()
        self.create_s = 0.0


class PoolWatch:
    """The signals of one engine's pool, and what its current state is read from."""

    def __init__(self, name: str, engine: "Engine", signals: Signals) -> None:
        self.name = name
        self._engine = engine
        self._signals = signals
        self._wait = signals.connection_wait.labels(name)
        self._use = signals.connection_use.labels(name)
        self._create = signals.connection_create.labels(name)
        self._timeouts = signals.connection_timeouts.labels(name)
        # A set and not a number: threads of a sync engine may change it at once.
        self._waiting: set[_Acquisition] = set()
        self._acquiring: contextvars.ContextVar[_Acquisition | None] = contextvars.ContextVar("acquiring", default=None)

    def attach(self) -> None:
        """Begin to time the engine's pool; once per engine."""
        from sqlalchemy import event, exc  # noqa: PLC0415 - an API without an engine need not have SQLAlchemy

        watch = self
        pool: Any = self._engine.pool
        own_class: Any = type(pool)

        class Timed(own_class):  # type: ignore[misc]  # the base is whatever the engine's pool is
            """The pool's own class, with a watch."""

            def _do_get(self) -> Any:  # noqa: ANN401 - as the base's
                if watch._acquiring.get() is not None:  # the pool tries again within one acquisition
                    return super()._do_get()
                began = watch._begin()
                try:
                    return super()._do_get()
                except exc.TimeoutError:
                    watch._timeouts.inc()
                    raise
                finally:
                    watch._end(began)

            def _create_connection(self) -> Any:  # noqa: ANN401 - as the base's
                since_s = time.perf_counter()
                try:
                    connection = super()._create_connection()
                    watch._create.observe(time.perf_counter() - since_s)
                    return connection
                finally:
                    if (acquisition := watch._acquiring.get()) is not None:
                        acquisition.create_s += time.perf_counter() - since_s

        pool.__class__ = Timed
        event.listen(pool, "checkout", self._on_checkout)
        event.listen(pool, "checkin", self._on_checkin)

    def _begin(self) -> contextvars.Token[_Acquisition | None]:
        acquisition = _Acquisition()
        self._waiting.add(acquisition)
        return self._acquiring.set(acquisition)

    def _end(self, began: contextvars.Token[_Acquisition | None]) -> None:
        """Record the wait however it ended: had, timed out, or cancelled by a client that went away."""
        acquisition = self._acquiring.get()
        self._acquiring.reset(began)
        if acquisition is not None:
            self._waiting.discard(acquisition)
            self._wait.observe(max(0.0, time.perf_counter() - acquisition.since_s - acquisition.create_s))

    def _on_checkout(self, _connection: object, record: "ConnectionPoolEntry", _proxy: object) -> None:
        record.info[_USED_SINCE] = time.perf_counter()

    def _on_checkin(self, _connection: object, record: "ConnectionPoolEntry") -> None:
        if (since_s := record.info.pop(_USED_SINCE, None)) is not None:
            self._use.observe(time.perf_counter() - since_s)

    def publish(self) -> None:
        """Set the gauges to the pool's present state. ``engine.dispose()`` replaces the pool, so it is asked for each time."""
        pool = cast("QueuePool", self._engine.pool)
        overflow = pool._max_overflow  # noqa: SLF001 - there is no public way to it
        signals, name = self._signals, self.name
        signals.connections.labels(name, "idle").set(pool.checkedin())
        signals.connections.labels(name, "used").set(pool.checkedout())
        signals.connections_max.labels(name).set(float("inf") if overflow < 0 else pool.size() + overflow)
        signals.connections_idle_max.labels(name).set(pool.size())
        signals.connection_pending.labels(name).set(len(self._waiting))
        signals.setting.labels("db_pool_size", name).set(pool.size())
        signals.setting.labels("db_max_overflow", name).set(overflow)
