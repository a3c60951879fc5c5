"""
The connections of psycopg, sync and async.

Statements are timed by a connection's cursor factories, which psycopg lets everybody set. Commits, copies and the rows of a server's cursor
pass by these, so the class of the live connection is replaced, too: for all that the database has to say, it waits in one method.
"""

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from apituner.fastapi.database.statements import StatementClock, charge_statement, timed_ending, timed_ending_async
from apituner.fastapi.database.watch import own_class

P = ParamSpec("P")
T = TypeVar("T")


class ConnectionClock:
    """Times what is done on the connections of one pool."""

    def __init__(self, clock: StatementClock) -> None:
        self._connections = functools.cache(functools.partial(_timed_connection, self))
        self._cursors = functools.cache(functools.partial(_timed_cursor, clock))

    def begin(self, connection: Any) -> None:  # noqa: ANN401 - either kind of connection
        """Begin to time a live connection, which knows its clock from then on."""
        connection.__class__ = self._connections(own_class(type(connection)))
        for factory in ("cursor_factory", "server_cursor_factory"):
            setattr(connection, factory, self._cursors(own_class(getattr(connection, factory))))


def _timed_connection(clock: ConnectionClock, own: Any) -> Any:  # noqa: ANN401 - either kind of connection
    from psycopg import AsyncConnection  # noqa: PLC0415 - an API without psycopg need not have it

    timed: Any = timed_ending_async if issubclass(own, AsyncConnection) else timed_ending
    named = {"__module__": own.__module__}  # applications log connections
    return type(own.__name__, (own,), named | {"wait": timed(own.wait), "apituner_clock": clock, "apituner_own_class": own})


def _timed_cursor(clock: StatementClock, own: Any) -> Any:  # noqa: ANN401 - either kind of cursor
    """Return a cursor class that notes what it executes."""
    from psycopg import AsyncCursor  # noqa: PLC0415 - an API without psycopg need not have it

    counted: Any = _counted_async if issubclass(own, AsyncCursor) else _counted
    methods = {name: counted(clock, getattr(own, name)) for name in ("execute", "executemany")}
    begun = {name: _begun(getattr(own, name)) for name in ("copy", "stream")}
    return type(own.__name__, (own,), {**methods, **begun, "apituner_own_class": own})


def _counted(clock: StatementClock, execute: Callable[P, T]) -> Callable[P, T]:
    """Return *execute* with a clock around it; the time is charged to the request where the connection waits, and here is none of it."""

    def counted(*args: P.args, **kwargs: P.kwargs) -> T:
        since_s = time.perf_counter()
        try:
            return execute(*args, **kwargs)
        finally:
            now_s = time.perf_counter()
            clock.note(now_s - since_s, now_s, now_s)

    return counted


def _counted_async(clock: StatementClock, execute: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Return the coroutine function *execute* with a clock around it, likewise."""

    async def counted(*args: P.args, **kwargs: P.kwargs) -> T:
        since_s = time.perf_counter()
        try:
            return await execute(*args, **kwargs)
        finally:
            now_s = time.perf_counter()
            clock.note(now_s - since_s, now_s, now_s)

    return counted


def _begun(begin: Callable[P, T]) -> Callable[P, T]:
    """Return *begin*, which begins what the application itself goes on with, so that it has no duration of its own."""

    def begun(*args: P.args, **kwargs: P.kwargs) -> T:
        now_s = time.perf_counter()
        charge_statement(now_s, now_s)
        return begin(*args, **kwargs)

    return begun
