"""The page that puts the instrumentation together."""

import functools
import logging
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

from prometheus_client import CollectorRegistry

from apituner.fastapi.pools import PoolWatch
from apituner.fastapi.processes import shared_folder
from apituner.fastapi.requests import Application, RequestMiddleware
from apituner.fastapi.routes import RouteTable
from apituner.fastapi.settings import metrics_address
from apituner.fastapi.signals import Signals
from apituner.fastapi.statements import watch_statements
from apituner.fastapi.worker import Worker

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine
    from starlette.applications import Starlette

    AnyEngine = Engine | AsyncEngine

_log = logging.getLogger(__name__)

PROBES = ("/metrics", "/healthz", "/readyz")


def instrument(
    app: "Starlette",
    *,
    engine: "AnyEngine | Mapping[str, AnyEngine] | None" = None,
    exclude: Collection[str] = PROBES,
    trust_request_start: bool = False,
) -> Worker:
    """
    Make *app* observable: its requests, its event loop, its process, and the connection pool of *engine*.

    Call it once, before the app starts. Several engines are given by name, as ``{"orders": engine, "reports": other}``; a single one is
    named "main". The paths in *exclude* are not measured. With *trust_request_start* the time since a proxy's header X-Request-Start
    is measured, too: only where a proxy sets it for every request, or a client could.
    """
    if getattr(app.state, "apituner", None) is not None:
        raise ValueError("instrument() was called twice for this app: call it once, where the app is made")
    if app.middleware_stack is not None:
        raise ValueError("instrument() was called after the app had started: call it where the app is made")
    signals = _signals()
    engines = engine if isinstance(engine, Mapping) else {} if engine is None else {"main": engine}
    pools = [watch for name, each in engines.items() if (watch := _watched(name, each, signals)) is not None]
    worker = Worker(signals, pools, metrics_address())
    routes = RouteTable(lambda: app.routes)
    build = app.build_middleware_stack

    def build_middleware_stack() -> Application:
        # Around all other middleware, also what is added later: their time is part of what the client waits for.
        return RequestMiddleware(
            build(),
            signals=signals,
            routes=routes,
            worker=worker,
            exclude=frozenset(exclude),
            trust_request_start=trust_request_start,
            count_operations=bool(engines),
        )

    # No public hook is around all middleware; this method is called once, at the first scope.
    app.build_middleware_stack = build_middleware_stack  # type: ignore[method-assign]  # on this app alone
    app.state.apituner = worker
    return worker


@functools.cache
def _signals() -> Signals:
    """Register the metrics of this process: one set, however many apps a test suite makes."""
    # The folder that the workers share must exist before the first metric.
    shared_folder()
    return Signals(CollectorRegistry())


def _watched(name: str, engine: "AnyEngine", signals: Signals) -> PoolWatch | None:
    """Watch one engine; None where its pool has no queue, such as NullPool in a test suite: then there is nothing to wait for."""
    from sqlalchemy.pool import QueuePool  # noqa: PLC0415 - an API without an engine need not have SQLAlchemy

    sync_engine = cast("Engine", getattr(engine, "sync_engine", engine))
    if (pool := getattr(sync_engine, "pool", None)) is None:
        raise TypeError(f"engine {name!r} is a {type(engine).__name__}: give an engine of SQLAlchemy, or a mapping from names to engines")
    watch_statements(sync_engine, signals)
    if not isinstance(pool, QueuePool):
        _log.warning("engine %r has a %s, which cannot be measured: its pool has no signals", name, type(pool).__name__)
        return None
    watch = PoolWatch(name, sync_engine, signals)
    watch.attach()
    return watch
