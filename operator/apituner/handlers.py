"""
The only file that knows kopf: it watches our two kinds and keeps the registry, and that is all.

No timers, daemons, indexes or change handlers: they cost a finalizer or an annotation on every object, and a task each. kopf has a
thread and an event loop of its own, because at its end it cancels every task that it finds on its loop, and claims the signals.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import kopf

from apituner.api.words import GROUP, VERSION
from apituner.engine.registry import Kind, Registry, resource
from apituner.settings import Settings

_log = logging.getLogger("apituner.watch")


class Watch:
    """Keeps a registry up to date from a thread of its own; every write happens on the loop that the registry belongs to."""

    def __init__(self, registry: Registry, settings: Settings, lost: Callable[[], None]) -> None:
        """*lost* is called on the registry's loop when the watch ends before it was told to: the process should end too."""
        self._loop = asyncio.get_running_loop()
        self._handlers = self._kopf_registry(registry)
        self._settings = settings
        self._lost = lost
        self._told_to_stop = False
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    async def stop(self, within_s: float) -> None:
        """End the watch; it only reads, so one that takes too long is left behind."""
        self._told_to_stop = True
        self._end.set()
        await asyncio.to_thread(self._thread.join, within_s)

    def _run(self) -> None:
        try:
            asyncio.run(self._watch())
        except Exception:  # noqa: BLE001 - whatever ends the watch, the process must know
            _log.exception("the watch failed")
        if not self._told_to_stop:
            _log.error("the watch is lost: the operator ends, to be started anew")
            self._loop.call_soon_threadsafe(self._lost)

    async def _watch(self) -> None:
        try:
            await kopf.operator(
                registry=self._handlers,
                standalone=True,
                clusterwide=not self._settings.namespaces,
                namespaces=list(self._settings.namespaces),
                stop_flag=self._end,
            )
        finally:
            # kopf waits for the flag in a thread of its loop, and the loop does not close before its threads end: unset, nobody would hear.
            self._end.set()

    def _kopf_registry(self, registry: Registry) -> kopf.OperatorRegistry:
        """Return the handlers: log in, keep kopf quiet and bounded, and keep *registry*."""
        ours = kopf.OperatorRegistry()
        kopf.on.login(registry=ours)(_login)
        kopf.on.startup(registry=ours)(_configure)
        for kind in Kind:
            kopf.on.event(GROUP, VERSION, str(kind), registry=ours, id=f"watch-{kind}")(self._into(registry, kind))
        return ours

    def _into(self, registry: Registry, kind: Kind) -> Callable[..., Any]:
        async def keep(event: kopf.RawEvent, **_: Any) -> None:  # noqa: ANN401 - kopf passes what it likes
            body = event["object"]
            metadata = body["metadata"]
            if event["type"] == "DELETED":
                gone = (kind, metadata["namespace"], metadata["name"], metadata["uid"])
                self._loop.call_soon_threadsafe(registry.gone, *gone)
            else:
                self._loop.call_soon_threadsafe(registry.seen, resource(kind, body))

        return keep


async def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 - kopf passes what it likes
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


async def _configure(settings: kopf.OperatorSettings, **_: Any) -> None:  # noqa: ANN401 - kopf passes what it likes
    settings.posting.enabled = False  # Events are ours, deduplicated
    settings.scanning.disabled = True  # no list of CRDs and namespaces: least privilege
    settings.watching.server_timeout = 300  # a silent watch ends and is begun anew
    settings.watching.connect_timeout = 30
    settings.networking.request_timeout = 30
    settings.process.ultimate_exiting_timeout = None  # it would kill the process, not just the watch
