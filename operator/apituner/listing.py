"""Lists our objects: once before the first decision, and now and then after, for what a watch does not tell."""

import asyncio
import contextlib
import logging

from apituner.engine.registry import Kind, Registry, Resource, resource
from apituner.kube.client import API_TUNINGS, CONNECTION_BUDGETS, Api
from apituner.kube.errors import KubeError
from apituner.settings import Settings

_log = logging.getLogger("apituner.operator")

# Before the first list succeeds nothing may be decided: a budget would look free whose other APIs are not known yet.
_SEED_RETRY_S = 2.0
# A watch that was cut for long is begun with a new list, which does not tell of deletions. Until they are noticed, what is gone
# keeps its share of a budget: harmless, but not for ever.
_AGAIN_AFTER_S = 300.0

_KINDS = ((Kind.TUNING, API_TUNINGS), (Kind.BUDGET, CONNECTION_BUDGETS))


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


async def lay_ghosts(api: Api, registry: Registry, settings: Settings, stop: asyncio.Event) -> None:
    """Every five minutes until *stop*, drop what is known but no longer listed."""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _AGAIN_AFTER_S)
            return
        try:
            await drop_ghosts(api, registry, settings)
        except KubeError as error:
            _log.warning("cannot list the objects", extra={"because": str(error)})


async def drop_ghosts(api: Api, registry: Registry, settings: Settings) -> None:
    """Drop what was known before a list and is not in it; what the watch tells meanwhile stays."""
    for kind, _ in _KINDS:
        known = {one.uid for one in registry.all(kind)}
        listed = {one.uid for one in await _listed(api, kind, settings)}
        for one in registry.all(kind):
            if one.uid in known - listed:
                registry.gone(kind, one.namespace, one.name, one.uid)


async def _seed(api: Api, registry: Registry, settings: Settings) -> None:
    while True:
        try:
            for kind, _ in _KINDS:
                registry.replace_all(kind, await _listed(api, kind, settings))
        except KubeError as error:
            _log.warning("cannot list the objects yet", extra={"because": str(error)})
            await asyncio.sleep(_SEED_RETRY_S)
        else:
            return


async def _listed(api: Api, kind: Kind, settings: Settings) -> list[Resource]:
    plural = dict(_KINDS)[kind]
    bodies = [await api.list(plural, namespace) for namespace in settings.namespaces or (None,)]
    return [resource(kind, body) for part in bodies for body in part]
