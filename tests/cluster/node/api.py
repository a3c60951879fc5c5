"""The API server, as far as a node needs it."""

import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

# A Kubernetes object, decoded.
Manifest = dict[str, Any]

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=10)
# A watch is ended by the server after this; reading it may take as long, and a server that hangs is noticed by then.
WATCH_S = 240
WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=WATCH_S + 10)
# What the API server being away looks like; worth another try, always.
UNREACHABLE = (aiohttp.ClientError, TimeoutError, OSError)


class Refused(Exception):  # noqa: N818 -- reads as what happened
    """The API server answered, and the answer is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later: the server is starting, stopping or busy."""
        return self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS) or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def names_another(self) -> bool:
        """Whether the object of that name is not the one that was meant; other conflicts pass."""
        return self.status == HTTPStatus.CONFLICT and "uid" in str(self).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the API server is and how to be let in."""

    server: str
    authority: Path
    token: str


class Api:
    """A session with the API server."""

    def __init__(self, access: Access) -> None:
        self.access = access
        context = ssl.create_default_context(cafile=str(access.authority))
        self._session = aiohttp.ClientSession(
            base_url=access.server, headers={"Authorization": f"Bearer {access.token}"}, connector=aiohttp.TCPConnector(ssl=context)
        )

    async def __aenter__(self) -> Self:
        """Be closed in the end."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connections."""
        await self._session.close()

    async def request(self, method: str, path: str, body: Manifest | None = None, *, kind: str = "application/json") -> Manifest:
        """One request; *kind* is the content type, which for a PATCH says how to merge."""
        data = None if body is None else json.dumps(body)
        async with self._session.request(method, path, data=data, headers={"Content-Type": kind}, timeout=REQUEST_TIMEOUT) as answer:
            content: Manifest = await answer.json()
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise Refused(answer.status, str(content.get("message")))
            return content

    async def get(self, path: str) -> Manifest | None:
        """The object at *path*, None where there is none."""
        try:
            return await self.request("GET", path)
        except Refused as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def patch(self, path: str, body: Manifest) -> Manifest:
        """Merge *body*, lists with keys by their keys."""
        return await self.request("PATCH", path, body, kind="application/strategic-merge-patch+json")

    async def watch(self, path: str, selector: str, version: str) -> AsyncIterator[Manifest]:
        """Events about what *selector* finds at *path*, from *version* on, until the server ends the watch."""
        query = {"watch": "true", "fieldSelector": selector, "resourceVersion": version, "timeoutSeconds": str(WATCH_S)}
        async with self._session.get(path, params=query, timeout=WATCH_TIMEOUT) as answer:
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise Refused(answer.status, await answer.text())
            pending = b""
            async for chunk in answer.content.iter_any():  # lines may be longer than aiohttp's own limit for one
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)
