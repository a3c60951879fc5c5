"""Builds the operator and joins its parts: the only file that knows all of them."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from apituner.engine.pace import keep_pace
from apituner.engine.registry import Registry
from apituner.engine.scribe import Scribe
from apituner.engine.sweep import Sweep, Tally
from apituner.handlers import Watch
from apituner.kube.client import Api
from apituner.kube.journal import KubeJournal
from apituner.kube.workloads import KubeWorkloads
from apituner.listing import lay_ghosts, seeded
from apituner.probes import Probes
from apituner.prometheus.client import Endpoint, PrometheusSource
from apituner.prometheus.observer import PrometheusObserver
from apituner.settings import Settings
from apituner.telemetry import Telemetry

_log = logging.getLogger("apituner.operator")

# A stop is to take 5 s at most: the sweep under way gets most of them.
_STOP_S = 3.0
_WATCH_STOP_S = 1.0
# Sweeps that may be missed before the operator calls itself stuck.
_PATIENCE_SWEEPS = 5
# With an API server that hangs, every request of a sweep takes its 10 s, and killing the operator would not make it answer.
_PATIENCE_LEAST_S = 600.0


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
                laying = asyncio.create_task(lay_ghosts(api, registry, settings, stop))
                await asyncio.wait((pacing, asyncio.create_task(stop.wait())), return_when=asyncio.FIRST_COMPLETED)
                stop.set()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.gather(pacing, laying), _STOP_S)
                await watch.stop(_WATCH_STOP_S)
            _log.info("stopped", extra={"object": instance})
    return not lost.is_set()
