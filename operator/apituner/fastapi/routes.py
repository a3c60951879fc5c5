"""
From the path of a request to the template of its route, such as ``/orders/{id}``: the only form in which a path may become a label.

The table is read from the application's routes and matched again, apart from the router: a middleware may copy the scope, and a scope does
not hold the prefix of an included router or the template of a mounted application's prefix.
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


class RouteTable:
    """The templates of an application's routes; read again when their number changes, since routes may be added while it runs."""

    def __init__(self, routes: Callable[[], Sequence[object]]) -> None:
        self._routes = routes
        self._entries: tuple[_Entry, ...] = ()
        self._count = -1

    def template(self, path: str, method: str) -> str:
        """Return the template of the route that answers, also where it refuses the method; empty where there is none."""
        if (count := len(self._routes())) != self._count:
            self._entries, self._count = tuple(_entries(self._routes())), count
        return _resolve(self._entries, path, method)


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
            methods = getattr(route, "methods", None)
            yield _Entry(pattern=pattern, template=route.path_format, methods=frozenset(methods) if methods else None)
