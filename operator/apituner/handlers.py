"""
The only file that knows kopf: it watches our two kinds and keeps the registry, and that is all.

No timers, daemons, indexes or change handlers: they cost a finalizer or an annotation on every object, and a task each.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import kopf

from apituner.engine.registry import Kind, Registry, resource
from apituner.settings import Settings

_GROUP, _VERSION = "apituner.dev", "v1alpha1"


def kopf_registry(registry: Registry) -> kopf.OperatorRegistry:
    """Return the handlers: log in, keep kopf quiet and bounded, and keep *registry*."""
    ours = kopf.OperatorRegistry()
    kopf.on.login(registry=ours)(_login)
    kopf.on.startup(registry=ours)(_configure)
    for kind in Kind:
        kopf.on.event(_GROUP, _VERSION, str(kind), registry=ours, id=f"watch-{kind}")(_into(registry, kind))
    return ours


async def watch(registry: Registry, settings: Settings, stop: asyncio.Event) -> None:
    """Keep *registry* until *stop*; raises when the watch is lost for good, so that the process ends and is started anew."""
    await kopf.operator(
        registry=kopf_registry(registry),
        standalone=True,
        clusterwide=not settings.namespaces,
        namespaces=list(settings.namespaces),
        stop_flag=stop,
    )


async def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 - kopf passes what it likes
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


async def _configure(settings: kopf.OperatorSettings, **_: Any) -> None:  # noqa: ANN401 - kopf passes what it likes
    settings.posting.enabled = False  # Events are ours, deduplicated
    settings.scanning.disabled = True  # no list of CRDs and namespaces: least privilege
    settings.watching.server_timeout = 300  # a silent watch ends and is begun anew
    settings.watching.connect_timeout = 30
    settings.networking.request_timeout = 30
    settings.process.ultimate_exiting_timeout = 4  # a stop takes at most 5 s


def _into(registry: Registry, kind: Kind) -> Callable[..., Any]:
    async def keep(event: kopf.RawEvent, **_: Any) -> None:  # noqa: ANN401 - kopf passes what it likes
        body = event["object"]
        metadata = body["metadata"]
        if event["type"] == "DELETED":
            registry.gone(kind, metadata["namespace"], metadata["name"], metadata["uid"])
        else:
            registry.seen(resource(kind, body))

    return keep
