"""The page that puts the instrumentation together."""

import functools
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from apituner.fastapi.calls.libraries import watch_calls
from apituner.fastapi.database.pools import named, watch
from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.operations.access import AccessLog
from apituner.fastapi.operations.application import ApplicationLog
from apituner.fastapi.operations.contract.check import ContractCheck
from apituner.fastapi.operations.identity import RequestIds
from apituner.fastapi.operations.probes import Probes
from apituner.fastapi.operations.switches import Switches, operations
from apituner.fastapi.requests.background import watch_background_tasks
from apituner.fastapi.requests.exchange import Application
from apituner.fastapi.requests.meter import Meter
from apituner.fastapi.requests.middleware import Practice, RequestMiddleware
from apituner.fastapi.requests.routes import RouteTable
from apituner.fastapi.requests.serialization import watch_serialization
from apituner.fastapi.settings import metrics_address
from apituner.fastapi.workers.attendance import Attendance
from apituner.fastapi.workers.processes import shared_folder
from apituner.fastapi.workers.worker import Worker

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from apituner.fastapi.database.pools import AnyPool, Pools

PROBES = ("/metrics", "/healthz", "/readyz")


class Instrumentation:
    """An app that is observed: what ``instrument()`` returns, and ``app.state.apituner``."""

    def __init__(self, signals: Signals, worker: Attendance) -> None:
        self.signals = signals
        self.worker = worker
        """Its part in the process that runs it."""

    def watch(self, pool: "AnyPool", *, name: str = "main") -> None:
        """
        Observe a pool that is made later than the app; *name* becomes a label. One that is made in a lifespan is forgotten at its end.

        Raises TypeError for what is no pool, and ValueError for a name that another pool has.
        """
        if name in self.worker.pools.names:
            raise ValueError(f"a pool named {name!r} is watched already: give this one another name")
        self.worker.pools.add(watch(name, pool, self.signals), of_this_life=self.worker.loop is not None)


def instrument(  # noqa: PLR0913 - each is a switch of its own
    app: "Starlette",
    *,
    engine: "Pools | None" = None,
    exclude: Collection[str] = PROBES,
    trust_request_start: bool = False,
    request_ids: RequestIds | None = None,
    access_log: AccessLog | None = None,
    application_log: ApplicationLog | None = None,
    probes: Probes | None = None,
    contract: ContractCheck | None = None,
) -> Instrumentation:
    """
    Make *app* observable: its requests, its event loop, its process, and the connection pool of *engine*.

    Call it once, before the app starts. An app that is mounted in another may be instrumented, too: its requests are counted once, as the
    outer app's, by the whole template of their route, and the outer app's switches hold for them. An engine of SQLAlchemy, a pool of
    asyncpg or of psycopg is named "main"; several are given by name, as ``{"orders": engine, "reports": other}``. The paths in *exclude*
    are not measured. With *trust_request_start* the time since a proxy's header X-Request-Start is measured, too: only where a proxy sets
    it for every request, or a client could.

    The operational defaults are off unless they are given: *request_ids* takes X-Request-ID in and sends it out, *access_log* and
    *application_log* write the two logs apart, each line with the ids of its request and of its trace, *probes* answers /healthz and
    /readyz, *contract* checks a sample of responses against the OpenAPI document.

    Raises ValueError when called twice or too late, TypeError for an engine that is none or a contract that cannot be checked, ImportError
    where what a default needs is not installed, and OSError where the folder of PROMETHEUS_MULTIPROC_DIR cannot be written.
    """
    if getattr(app.state, "apituner", None) is not None:
        raise ValueError("instrument() was called twice for this app: call it once, where the app is made")
    if app.middleware_stack is not None:
        raise ValueError("instrument() was called after the app had started: call it where the app is made")
    from starlette.requests import ClientDisconnect  # noqa: PLC0415 - who has an app has Starlette, and the import of us must not need it

    signals = _signals()
    routes = RouteTable(lambda: app.routes)
    switches = Switches(request_ids=request_ids, access_log=access_log, application_log=application_log, probes=probes, contract=contract)
    defaults = operations(app, signals, routes, switches)
    meter = Meter(signals, routes, defaults.readers)
    worker = Attendance(
        _worker(),
        metrics_address(),
        own_packages=routes.packages,
        on_tick=meter.count,
        on_publish=meter.publish,
        companions=defaults.companions,
    )
    instrumentation = Instrumentation(signals, worker)
    for name, pool in named(engine).items():
        instrumentation.watch(pool, name=name)
    watch_serialization()
    watch_background_tasks(signals)
    practice = Practice(
        exclude=frozenset(exclude) | defaults.answers.keys(),
        answers=defaults.answers,
        begin=defaults.begin,
        lifespan=defaults.lifespan,
        queue=signals.requests.queue.of() if trust_request_start else None,
        client_gone=(ClientDisconnect,),
    )

    def around(stack: Application) -> Application:
        watch_calls(signals).look()  # all that the application imports at its start is there by now; what it imports later is found soon
        return RequestMiddleware(stack, meter=meter, worker=worker, practice=practice)

    _put(app, around)
    app.state.apituner = instrumentation
    return instrumentation


def _put(app: "Starlette", around: Callable[[Application], Application]) -> None:
    """
    Put something around all middleware of *app*, also around what is added later: its time is part of what the client waits for.

    No public hook is around all of it. `build_middleware_stack` is not, either: OpenTelemetry puts its own in the place of that method, and
    refuses an app whose stack is not as Starlette built it. So the attribute is watched in which the whole stack is kept.
    """
    own_class = type(app)

    def set_attribute(self: "Starlette", name: str, value: Any) -> None:  # noqa: ANN401 - as the attributes of any object
        own_class.__setattr__(self, name, around(value) if name == "middleware_stack" and value is not None else value)

    app.__class__ = type(own_class.__name__, (own_class,), {"__module__": own_class.__module__, "__setattr__": set_attribute})


@functools.cache
def _signals() -> Signals:
    """Register the metrics of this process: one set, however many apps a test suite makes."""
    # The folder that the workers share must exist before the first metric.
    shared_folder()
    return Signals(CollectorRegistry())


@functools.cache
def _worker() -> Worker:
    """Return what this process is to its apps: one worker, however many they are."""
    signals = _signals()
    calls = watch_calls(signals)
    return Worker(signals, shared_folder(), on_tick=calls.count, on_publish=calls.publish)
