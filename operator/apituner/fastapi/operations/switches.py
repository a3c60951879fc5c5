"""The page that says what each operational default takes part in; one that is off takes part in nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.operations.access import AccessLog, AccessWriter
from apituner.fastapi.operations.application import ApplicationLog, ApplicationWriter
from apituner.fastapi.operations.companion import Companion
from apituner.fastapi.operations.contract.check import ContractCheck
from apituner.fastapi.operations.identity import Identity, RequestIds
from apituner.fastapi.operations.probes import Probes
from apituner.fastapi.operations.readiness import Readiness
from apituner.fastapi.requests.exchange import Application, Exchange
from apituner.fastapi.requests.meter import Reader
from apituner.fastapi.requests.routes import RouteTable

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from apituner.fastapi.operations.contract.checker import Checker


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """What ``instrument()`` was given; None is off."""

    request_ids: RequestIds | None
    access_log: AccessLog | None
    application_log: ApplicationLog | None
    probes: Probes | None
    contract: ContractCheck | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What the operational defaults of one application take part in."""

    answers: Mapping[str, Application] = field(default_factory=dict)
    """Paths that they answer."""
    begin: tuple[Callable[[Exchange], None], ...] = ()
    """Who wants to know of every request that begins."""
    readers: tuple[Reader, ...] = ()
    """Who wants to know of every request that is over."""
    lifespans: tuple[Callable[[Application], Application], ...] = ()
    """Who wants to watch the application's lifespan."""
    companions: tuple[Companion, ...] = ()
    """Who begins and ends with the process."""

    def lifespan(self, app: Application) -> Application:
        """Return *app* with its lifespan watched by all who want to."""
        for watched in self.lifespans:
            app = watched(app)
        return app


def operations(app: "Starlette", signals: Signals, routes: RouteTable, switches: Switches) -> Operations:
    """Switch on what is not None. Raises ImportError and TypeError where the check of responses cannot be."""
    named = switches.request_ids or switches.access_log or switches.application_log
    identity = Identity(answered=switches.request_ids is not None) if named else None
    accesses = switches.access_log and AccessWriter(switches.access_log, signals.worker.log_dropped.of())
    application = switches.application_log and ApplicationWriter(switches.application_log)
    readiness = switches.probes and Readiness(
        switches.probes, signals.defaults.ready, lambda path: routes.template(id(None), path, "GET") == path
    )
    checker = switches.contract and _checker(app, switches.contract, signals)
    return Operations(
        answers=readiness.answers if readiness else {},
        begin=(*((identity.begin,) if identity else ()), *((checker.sampler.begin,) if checker else ())),
        readers=(*((accesses.read,) if accesses else ()), *((checker.read,) if checker else ())),
        lifespans=(*((checker.lifespan,) if checker else ()), *((readiness.lifespan,) if readiness else ())),
        companions=(*((accesses,) if accesses else ()), *((application,) if application else ())),
    )


def _checker(app: "Starlette", contract: ContractCheck, signals: Signals) -> "Checker":
    if not callable(getattr(app, "openapi", None)):
        raise TypeError(f"ContractCheck was given for a {type(app).__name__}, which has no OpenAPI document: instrument a FastAPI app")
    try:
        from apituner.fastapi.operations.contract.checker import Checker  # noqa: PLC0415 - only where it is wanted
    except ImportError as error:
        raise ImportError("ContractCheck needs jsonschema-rs: add apituner[contract] to what the API installs") from error
    return Checker(app, contract, signals)
