"""What was declared: the OpenAPI documents of an application and of those mounted in it, and where a response stands in them."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_log = logging.getLogger("apituner.fastapi")

Pointer = tuple[str, ...]
"""A place in a document: the names on the way to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One OpenAPI document."""

    prefix: str
    """Where the application is mounted, as a template."""
    content: Mapping[str, Any]

    def at(self, pointer: Pointer) -> tuple[Any, Pointer]:
        """Return what stands there, and where: a reference within the document is followed. None where nothing stands there."""
        place: Any = self.content
        way: Pointer = ()
        for name in pointer:
            place, way = place.get(name), (*way, name)
            if isinstance(place, dict) and isinstance(reference := place.get("$ref"), str) and reference.startswith("#/"):
                way = tuple(step.replace("~1", "/").replace("~0", "~") for step in reference[2:].split("/"))
                place, way = self.at(way)
            if not isinstance(place, dict):
                return None, way
        return place, way


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a document says of one response."""

    document: Document
    schemas: Mapping[str, Pointer | None]
    """By media type, where its schema stands; None where it has none. Empty where nothing is said of the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeclared:
    """A status that a document does not have among those of its route."""

    statuses: tuple[str, ...]


class Documents:
    """The documents, by where their applications are mounted."""

    def __init__(self, found: Iterable[Document]) -> None:
        # The longest prefix first: an app mounted below another's route is meant.
        self._documents = sorted(found, key=lambda document: -len(document.prefix))

    def __len__(self) -> int:
        return len(self._documents)

    def response(self, template: str, method: str, status: int) -> Declared | Undeclared | None:
        """Return what is declared of a response to *method* on the route *template*; None where the route is in no document."""
        for document in self._documents:
            if not template.startswith(document.prefix):
                continue
            responses, _ = document.at(("paths", template[len(document.prefix) :], method.lower(), "responses"))
            if responses is not None:
                return _response(document, ("paths", template[len(document.prefix) :], method.lower(), "responses"), responses, status)
        return None


def _response(document: Document, place: Pointer, responses: Mapping[str, Any], status: int) -> Declared | Undeclared:
    of_its_kind = f"{status // 100}XX"
    for name in (str(status), of_its_kind, of_its_kind.lower(), "default"):
        if name in responses:
            _, place = document.at((*place, name))
            contents, place = document.at((*place, "content"))
            return Declared(
                document=document,
                schemas={
                    media_type: (*place, media_type, "schema") if isinstance(content, dict) and "schema" in content else None
                    for media_type, content in (contents or {}).items()
                },
            )
    return Undeclared(statuses=tuple(responses))


def read_documents(app: object) -> Documents:
    """Read the documents of *app* and of what is mounted in it; one that cannot be made is logged, and done without."""
    found = []
    for prefix, documented in _documented(app):
        try:
            found.append(Document(prefix=prefix, content=_nulls_told(documented.openapi())))
        except Exception:  # noqa: BLE001 - it is the application's code
            _log.exception("the responses of %s are not checked: its OpenAPI document cannot be made", prefix or "this app")
    return Documents(found)


def _documented(app: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - whatever was mounted
    if callable(getattr(app, "openapi", None)):
        yield prefix, app
    for route in _flat(getattr(app, "routes", ())):
        # Starlette wraps a mounted app that has middleware of its own.
        mounted = getattr(route, "_base_app", None) or getattr(route, "app", None)
        if hasattr(mounted, "routes"):
            yield from _documented(mounted, prefix + getattr(route, "path", ""))


def _flat(routes: Iterable[Any]) -> Iterator[Any]:
    for route in routes:
        if (included := getattr(route, "effective_route_contexts", None)) is not None:
            yield from (context.starlette_route or context for context in included())
        else:
            yield route


def _nulls_told(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """
    Copy a document, with each ``nullable`` told in the words of JSON Schema, which OpenAPI speaks from 3.1 on.

    Documents that are written for 3.0 have it, and people who are used to it.
    """
    if isinstance(node, list):
        return [_nulls_told(item) for item in node]
    if not isinstance(node, dict):
        return node
    copied = {name: _nulls_told(item) for name, item in node.items()}
    if copied.get("nullable") is not True:
        return copied
    del copied["nullable"]
    return {"anyOf": [{"type": "null"}, copied]}
