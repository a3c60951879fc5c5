"""
When FastAPI builds a response: validates what a route returned, serializes it, writes it as JSON.

FastAPI has no hook there, so the function with which it begins and the methods with which it ends are wrapped, once in a process. Outside
of a request that is measured they do what they did. A response class with a ``render`` of its own ends when the response is sent.
"""

import sys
import time
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from apituner.fastapi.requests.spans import current


@cache
def watch_serialization() -> None:
    """Begin to time how responses are built."""
    responses: Any = sys.modules["starlette.responses"]
    responses.JSONResponse.render = _ending(responses.JSONResponse.render, always=True)
    responses.Response.render = _ending(responses.Response.render, always=False)
    routing: Any = sys.modules.get("fastapi.routing")
    if routing is not None:
        routing.serialize_response = _beginning(routing.serialize_response)


def _beginning(serialize: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(serialize)
    def beginning(**arguments: Any) -> Any:  # noqa: ANN401 - as FastAPI's
        if (exchange := current.get()) is not None:
            exchange.building = True
            exchange.serializing_since_s = time.perf_counter()
        return serialize(**arguments)

    return beginning


def _ending(render: Callable[[Any, Any], Any], *, always: bool) -> Callable[[Any, Any], Any]:
    """With *always*, what a route renders itself counts, too: it is JSON."""

    @wraps(render)
    def ending(response: Any, content: Any) -> Any:  # noqa: ANN401 - as Starlette's
        exchange = current.get()
        if exchange is None or not (always or exchange.serializing_since_s):
            return render(response, content)
        if not exchange.serializing_since_s:
            exchange.serializing_since_s = time.perf_counter()
        try:
            return render(response, content)
        finally:
            if exchange.spans:
                exchange.serialized(time.perf_counter())
            else:  # the same for most, without a call
                exchange.serialization_s += time.perf_counter() - exchange.serializing_since_s
                exchange.serializing_since_s = 0.0
                exchange.building = False

    return ending
