"""
From a request to the template of its route, such as ``/orders/{id}``: the only form in which a path may become a label.

The router leaves the endpoint that it found in the scope, which names the route at the cost of a look-up. Where it does not (nothing
matched, a middleware copied the scope, one endpoint serves two routes), the table is matched again from the application's routes: a scope
holds neither the prefix of an included router nor the template of a mounted application's prefix.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNMATCHED = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One route, or one mounted application with its routes."""

    pattern: re.Pattern[str]
    template: str
    methods: frozenset[str] | None
    """None: any."""
    endpoint: object = None
    mounted: tuple["_Entry", ...] | None = None
    """None for a route; empty for a mounted application that does not tell its routes, such as static files."""

    def resolve(self, path: str, method: str) -> tuple[str, bool] | None:
        """Return the template, and whether the method is one of the route's; None where the path is another's."""
        if (match := self.pattern.match(path)) is None:
            return None
        if self.mounted is None:
            return self.template, self.methods is None or method in self.methods
        inner = "/" + match.groupdict().get("path", "") if self.mounted else ""
        within = _resolve(self.mounted, inner, method) if self.mounted else UNMATCHED
        return (self.template + within if within or not self.mounted else UNMATCHED), True

    def endpoints(self, prefix: str = "") -> Iterator[tuple[object, str]]:
        """Every endpoint at or below this entry, with its whole template."""
        if self.endpoint is not None:
            yield self.endpoint, prefix + self.template
        for below in self.mounted or ():
            yield from below.endpoints(prefix + self.template)


class RouteTable:
    """The templates of an application's routes; read again when their number changes, since some are added late, and below."""

    def __init__(self, routes: Callable[[], Sequence[object]]) -> None:
        self._routes = routes
        self._entries: tuple[_Entry, ...] = ()
        self._by_endpoint: dict[int, str | None] = {}
        self._count = -1

    def template(self, endpoint: int, path: str, method: str) -> str:
        """
        Return the template of the route that answers, also where it refuses the method; empty where there is none.

        *endpoint* is the identity of what the router left in the scope, or of None; *path* is what `path_of` told before the router ran.
        """
        if (known := self._by_endpoint.get(endpoint)) is not None:
            return known
        if (count := _count(self._routes())) != self._count:
            self._read(count)
        return self._by_endpoint.get(endpoint) or _resolve(self._entries, path, method)

    def packages(self) -> frozenset[str]:
        """Return the packages, by their first name, of the functions that serve the routes: they are the application's own."""
        self._read(_count(self._routes()))
        modules = (getattr(endpoint, "__module__", "") for entry in self._entries for endpoint, _ in entry.endpoints())
        # FastAPI's own routes serve the documentation.
        return frozenset(module.partition(".")[0] for module in modules) - {"fastapi", "starlette"}

    def _read(self, count: int) -> None:
        self._entries, self._count = tuple(_entries(self._routes())), count
        by_endpoint: dict[int, str | None] = {}
        for entry in self._entries:
            for endpoint, template in entry.endpoints():
                # None: it serves several routes, and only the path tells which. The routes keep the endpoint alive, and with it its id.
                by_endpoint[id(endpoint)] = template if id(endpoint) not in by_endpoint else None
        self._by_endpoint = by_endpoint


def path_of(scope: Mapping[str, Any]) -> str:
    """Return the path as the application's router sees it: below the root path that a server or proxy names."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and (path == root or path.startswith(root + "/")) else path


def _resolve(entries: Iterable[_Entry], path: str, method: str) -> str:
    refused = UNMATCHED
    for entry in entries:
        if (found := entry.resolve(path, method)) is None:
            continue
        template, accepts = found
        if accepts:
            return template
        refused = refused or template
    return refused


def _count(routes: Iterable[Any]) -> int:
    """Count the routes and all that lie below them."""
    count = 0
    for route in routes:
        if (included := getattr(route, "effective_route_contexts", None)) is not None:
            count += sum(1 for _ in included())
        else:
            count += 1 + _count(getattr(route, "routes", None) or ())
    return count


def _entries(routes: Iterable[Any]) -> Iterator[_Entry]:
    for route in routes:
        if (included := getattr(route, "effective_route_contexts", None)) is not None:
            # FastAPI keeps an included router as one route that knows its own routes with their prefixes.
            yield from _entries(context.starlette_route or context for context in included())
        elif (pattern := getattr(route, "path_regex", None)) is None:
            # Of the routes without a path, Starlette's Host has routes below it; others (a group of static files) have no template.
            yield from _entries(getattr(route, "routes", None) or ())
        elif (below := getattr(route, "routes", None)) is not None:
            yield _Entry(pattern=pattern, template=route.path, methods=None, mounted=tuple(_entries(below)))
        else:
            methods = frozenset(route.methods) if getattr(route, "methods", None) else None
            yield _Entry(pattern=pattern, template=route.path_format, methods=methods, endpoint=getattr(route, "endpoint", None))
