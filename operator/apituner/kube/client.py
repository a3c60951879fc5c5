"""One connection to the API server: raw objects, bounded time, bounded concurrency, five kinds of error."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.config.config_exception import ConfigException

from apituner.api.words import GROUP, VERSION
from apituner.kube.errors import Request, Unreachable, error_of
from apituner.kube.ownership import MANAGER

TIMEOUT_S = 10.0
"""A request that takes longer is an outage: the API server answers a GET in milliseconds; its own webhooks get 10 s by default."""
CONCURRENCY = 8
"""Requests under way at once: a sweep over a thousand objects must not crowd out everybody else at the API server."""
_TOKEN_REFRESH_S = 60.0
"""Bound tokens rotate while the process runs; the client library re-reads a pod's own token as often."""
_PAGE = 500
"""Objects in one answer to a list, as kubectl asks for them."""

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object, as it stands in a URL."""

    group: str
    version: str
    plural: str

    @property
    def path(self) -> dict[str, str]:
        """The arguments that say it to the client library."""
        return {"group": self.group, "version": self.version, "plural": self.plural}


DEPLOYMENTS = Kind("apps", "v1", "deployments")
AUTOSCALERS = Kind("autoscaling", "v2", "horizontalpodautoscalers")
EVENTS = Kind("events.k8s.io", "v1", "events")
API_TUNINGS = Kind(GROUP, VERSION, "apitunings")
CONNECTION_BUDGETS = Kind(GROUP, VERSION, "connectionbudgets")


class Api:
    """
    The API server. Every method raises a KubeError and nothing else for what the world does.

    All groups go through CustomObjectsApi: it returns plain dictionaries, and the typed classes would cost 30 MiB and a second of start-up.
    """

    def __init__(self, configuration: client.Configuration, *, version: str, timeout_s: float = TIMEOUT_S) -> None:
        configuration.connection_pool_maxsize = CONCURRENCY
        self._connection = client.ApiClient(configuration)
        self._connection.user_agent = f"{MANAGER}/{version}"
        self._objects = client.CustomObjectsApi(self._connection)
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(CONCURRENCY)

    @classmethod
    async def connect(cls, *, version: str, environ: Mapping[str, str] = os.environ) -> Self:
        """As the pod's own service account inside a cluster, else as KUBECONFIG (or ``~/.kube/config``) says."""
        configuration = client.Configuration()
        try:
            if environ.get("KUBERNETES_SERVICE_HOST"):
                config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # the library has no types here
            else:
                await _load_kubeconfig(environ.get("KUBECONFIG"), configuration)
        except (ConfigException, OSError) as error:
            because = f"no API server is configured ({error}): run inside a cluster, or let KUBECONFIG name a readable file"
            raise Unreachable(because) from error
        return cls(configuration, version=version)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the last thing to be called."""
        await self._connection.close()  # type: ignore[no-untyped-call] # the library has no types here

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest:
        """The object as it is now."""
        request = Request(verb="get", resource=kind.plural, namespace=namespace, name=name)
        return await self._send(request, self._objects.get_namespaced_custom_object, **kind.path, namespace=namespace, name=name)

    async def list(self, kind: Kind, namespace: str | None) -> list[Manifest]:
        """All objects of a namespace, or of all namespaces; page by page."""
        request = Request(verb="list", resource=kind.plural, namespace=namespace)
        items: list[Manifest] = []
        page: dict[str, str] = {}
        while True:
            if namespace is None:
                path = {"group": kind.group, "version": kind.version, "resource_plural": kind.plural}
                answer = await self._send(request, self._objects.list_custom_object_for_all_namespaces, **path, limit=_PAGE, **page)
            else:
                path = {**kind.path, "namespace": namespace}
                answer = await self._send(request, self._objects.list_namespaced_custom_object, **path, limit=_PAGE, **page)
            items += answer.get("items") or []
            following = answer.get("metadata", {}).get("continue")
            if not following:
                return items
            page = {"_continue": following}

    async def create(self, kind: Kind, namespace: str, body: Manifest) -> Manifest:
        """A new object; Conflict if one of that name exists."""
        request = Request(verb="create", resource=kind.plural, namespace=namespace)
        call = self._objects.create_namespaced_custom_object
        return await self._send(request, call, **kind.path, namespace=namespace, body=dict(body), field_manager=MANAGER)

    async def scale(self, kind: Kind, namespace: str, name: str, body: Manifest) -> Manifest:
        """A JSON merge patch of an object's Scale; a resource version in *body* is a precondition."""
        request = Request(verb="patch", resource=f"{kind.plural}/scale", namespace=namespace, name=name)
        place = {**kind.path, "namespace": namespace, "name": name}
        call = self._objects.patch_namespaced_custom_object_scale
        media = "application/merge-patch+json"
        return await self._send(request, call, **place, body=dict(body), field_manager=MANAGER, _content_type=media)

    async def set_status(self, kind: Kind, namespace: str, name: str, uid: str, status: Manifest) -> Manifest:
        """
        The whole status anew, for the object with this *uid* only; Invalid if it is another one of that name.

        A JSON patch, because it can test the uid: a merge patch on ``/status`` ignores metadata.
        """
        request = Request(verb="patch", resource=f"{kind.plural}/status", namespace=namespace, name=name)
        place = {**kind.path, "namespace": namespace, "name": name}
        call = self._objects.patch_namespaced_custom_object_status
        body = [{"op": "test", "path": "/metadata/uid", "value": uid}, {"op": "add", "path": "/status", "value": dict(status)}]
        media = "application/json-patch+json"
        return await self._send(request, call, **place, body=body, field_manager=MANAGER, _content_type=media)

    async def apply(self, kind: Kind, namespace: str, name: str, body: Manifest, *, force: bool) -> Manifest:
        """A server-side apply; Conflict names the fields of others unless *force* takes them."""
        request = Request(verb="patch", resource=kind.plural, namespace=namespace, name=name)
        media = "application/apply-patch+yaml"
        place = {**kind.path, "namespace": namespace, "name": name}
        call = self._objects.patch_namespaced_custom_object
        return await self._send(request, call, **place, body=dict(body), field_manager=MANAGER, force=force, _content_type=media)

    async def _send(self, request: Request, call: Callable[..., Awaitable[object]], **arguments: object) -> Manifest:
        async with self._slots:
            try:
                answer = await call(**arguments, _request_timeout=self._timeout_s)
            except ApiException as error:
                raise error_of(request, error.status or 0, error.body or error.reason) from error
            except TimeoutError as error:
                raise Unreachable(f"cannot {request}: no answer within {self._timeout_s:g} s; it is tried again") from error
            except (aiohttp.ClientError, OSError, ConfigException, json.JSONDecodeError) as error:
                raise Unreachable(f"cannot {request}: {type(error).__name__}: {error}; it is tried again") from error
        if not isinstance(answer, dict):
            raise Unreachable(
                f"cannot {request}: the answer is no object; check that KUBECONFIG or the pod's network leads to an API server"
            )
        return answer


async def _load_kubeconfig(path: str | None, configuration: client.Configuration) -> None:
    load: Callable[..., Awaitable[Any]] = config.load_kube_config
    loader = await load(config_file=path, client_configuration=configuration, persist_config=False)
    clock = asyncio.get_running_loop().time
    refreshed_at = clock()

    async def refresh(current: client.Configuration) -> None:
        nonlocal refreshed_at
        if clock() - refreshed_at >= _TOKEN_REFRESH_S:
            refreshed_at = clock()
            await loader.load_and_set(current)

    configuration.refresh_api_key_hook = refresh  # type: ignore[assignment] # the library says None where it means a hook
