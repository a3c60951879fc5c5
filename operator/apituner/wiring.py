"""Builds the operator and joins its parts: the only file that knows all of them."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from apituner.engine.pace import keep_pace
from apituner.engine.registry import Kind, Registry, resource
from apituner.engine.scribe import Scribe
from apituner.engine.sweep import Sweep, Tally
from apituner.handlers import Watch
from apituner.kube.client import API_TUNINGS, CONNECTION_BUDGETS, Api
from apituner.kube.errors import KubeError
from apituner.kube.journal import KubeJournal
from apituner.kube.workloads import KubeWorkloads
from apituner.probes import Probes
from apituner.prometheus.client import Endpoint, PrometheusSource
from apituner.prometheus.observer import PrometheusObserver
from apituner.settings import Settings
from apituner.telemetry import Telemetry

_log = logging.getLogger("apituner.operator")

# Before the first list succeeds nothing may be decided: a budget would look free whose other APIs are not known yet.
_SEED_RETRY_S = 2.0
# A stop is to take 5 s at most: the sweep under way gets most of them.
_STOP_S = 3.0
_WATCH_STOP_S = 1.0
# Sweeps that may be missed before the operator calls itself stuck.
_PATIENCE_SWEEPS = 5
_PATIENCE_LEAST_S = 60.0


def operator_version() -> str:
    """Return the version of the installed package, or ``dev`` for a checkout."""
    try:
        return version("apituner")
    except PackageNotFoundError:
        return "dev"


async def operate(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Run the operator until SIGTERM or SIGINT: True. False when the watch is lost: then it is for the kubelet to start it anew."""
    stop, lost = asyncio.Event(), asyncio.Event()

    def give_up() -> None:
        lost.set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sources = {"default": PrometheusSource("default", Endpoint(url=settings.prometheus_url))}
    patience_s = max(_PATIENCE_LEAST_S, _PATIENCE_SWEEPS * settings.sweep_seconds)
    telemetry = Telemetry(sources=sources, patience_s=patience_s, started_at_s=loop.time())
    registry = Registry()
    async with await Api.connect(version=operator_version(), environ=environ) as api:
        instance = environ.get("POD_NAME") or "apituner"
        sweep = Sweep(
            registry=registry,
            observer=PrometheusObserver(sources=sources, window_s=settings.window_seconds),
            workloads=KubeWorkloads(api),
            scribe=Scribe(KubeJournal(api, instance=instance)),
            stabilization_s=settings.stabilization_s,
        )

        def swept(tally: Tally | None, took_s: float) -> None:
            telemetry.swept(tally, took_s, loop.time())

        async with Probes(telemetry, host=settings.listen_host, port=settings.listen_port):
            _log.info("started", extra={"object": instance})
            if await seeded(api, registry, settings, stop):
                watch = Watch(registry, settings, give_up)
                watch.start()
                pacing = asyncio.create_task(keep_pace(sweep, swept, interval_s=settings.sweep_seconds, stop=stop))
                await stop.wait()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(pacing, _STOP_S)
                await watch.stop(_WATCH_STOP_S)
            _log.info("stopped", extra={"object": instance})
    return not lost.is_set()


async def seeded(api: Api, registry: Registry, settings: Settings, stop: asyncio.Event) -> bool:
    """List all our objects once; the watch keeps the registry from there on. False where *stop* comes first: it waits for no answer."""
    seeding, stopping = asyncio.create_task(_seed(api, registry, settings)), asyncio.create_task(stop.wait())
    await asyncio.wait((seeding, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if stop.is_set():
        seeding.cancel()
        await asyncio.wait((seeding,))
        return False
    await seeding
    return True


async def _seed(api: Api, registry: Registry, settings: Settings) -> None:
    while True:
        try:
            for kind, ours in ((Kind.TUNING, API_TUNINGS), (Kind.BUDGET, CONNECTION_BUDGETS)):
                lists = [await api.list(ours, namespace) for namespace in settings.namespaces or (None,)]
                registry.replace_all(kind, (resource(kind, body) for bodies in lists for body in bodies))
        except KubeError as error:
            _log.warning("cannot list the objects yet", extra={"because": str(error)})
            await asyncio.sleep(_SEED_RETRY_S)
        else:
            return
