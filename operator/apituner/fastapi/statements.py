"""What a statement took, as the process sees it: from handing it to the driver to its result, failed ones included."""

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

from apituner.fastapi.signals import Signals

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, ExceptionContext


class Operations:
    """How many statements one request has sent, from whichever thread or task it used."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


of_this_request: ContextVar[Operations | None] = ContextVar("operations", default=None)

_RUNNING_SINCE = "apituner.running_since"


def watch_statements(engine: "Engine", signals: Signals) -> None:
    """Time every statement of *engine*, which is a sync one (an async engine has one inside)."""
    from sqlalchemy import event  # noqa: PLC0415 - an API without an engine need not have SQLAlchemy

    # Semantic conventions name PostgreSQL "postgresql", as SQLAlchemy does.
    duration = signals.operation_duration.labels(engine.dialect.name)

    def before(connection: "Connection", *_: object) -> None:
        connection.info[_RUNNING_SINCE] = time.perf_counter()
        if (operations := of_this_request.get()) is not None:
            operations.count += 1

    def done(connection: "Connection") -> None:
        if (since_s := connection.info.pop(_RUNNING_SINCE, None)) is not None:
            duration.observe(time.perf_counter() - since_s)

    def after(connection: "Connection", *_: object) -> None:
        done(connection)

    def failed(context: "ExceptionContext") -> None:
        if context.connection is not None and not context.connection.invalidated:
            done(context.connection)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)
