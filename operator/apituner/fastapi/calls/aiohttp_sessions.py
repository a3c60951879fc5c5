"""
The sessions of aiohttp.

Its trace configuration is its hook: it tells of each request, each redirect and each failure, but neither of the time limit of a single
request nor of a session that was made before. So the method that every request of a session comes by adds the hook to the session, and
looks at the limit. A response is over when its connection is given back.
"""

import asyncio
import sys
from contextvars import ContextVar
from functools import wraps
from typing import Any

from apituner.fastapi.calls.watch import CANCELLED, CONNECT, OTHER_ERROR, SWITCHING_PROTOCOLS, TIMEOUT, Call, CallWatch

_limited: ContextVar[bool] = ContextVar("apituner_limited", default=True)


def watch_sessions(aiohttp: Any, watch: CallWatch) -> None:  # noqa: ANN401 - the module, which may not be imported here
    """Begin to see every request that leaves by aiohttp; once in a process."""
    hook = _hook(aiohttp, watch)
    limits, unset = aiohttp.ClientTimeout, aiohttp.client.sentinel
    send = aiohttp.ClientSession._request  # noqa: SLF001 - no public method is on the way of all

    @wraps(send)
    async def seen(session: Any, method: str, url: Any, **options: Any) -> Any:  # noqa: ANN401 - as aiohttp's
        if hook not in session.trace_configs:
            session._trace_configs = [*session.trace_configs, hook]  # noqa: SLF001 - the list may be the application's own, for many
        limit = options.get("timeout", unset)
        if limit is unset:
            limit = session.timeout
        # What is silent is given up after either of these; to aiohttp 0 means never, as None does.
        outer = _limited.set(bool(limit.total or limit.sock_read) if isinstance(limit, limits) else bool(limit))
        try:
            return await send(session, method, url, **options)
        finally:
            _limited.reset(outer)

    aiohttp.ClientSession._request = seen  # noqa: SLF001 - as above


def _hook(aiohttp: Any, watch: CallWatch) -> Any:  # noqa: ANN401 - a TraceConfig
    # The last came with 3.10; before, it was the second.
    not_followed = (aiohttp.TooManyRedirects, aiohttp.InvalidURL, getattr(aiohttp, "NonHttpUrlClientError", aiohttp.InvalidURL))

    async def on_start(_session: Any, context: Any, params: Any) -> None:  # noqa: ANN401 - as aiohttp's, all of them
        context.call = Call(watch, params.url.raw_host or "", limited=_limited.get())
        context.redirect = 0

    async def on_redirect(_session: Any, context: Any, params: Any) -> None:  # noqa: ANN401
        context.call.host, context.call.status = params.url.raw_host or "", params.response.status
        context.call.end()
        # The next one begins; where it leads is told with its end. A reference would close a circle: a response knows its context.
        context.call, context.redirect = Call(watch, "", limited=True), id(params.response)

    async def on_end(_session: Any, context: Any, params: Any) -> None:  # noqa: ANN401
        response, call = params.response, context.call
        if id(response) == context.redirect:  # it did not say whereto
            return
        call.host, call.status = params.url.raw_host or "", response.status
        if response.connection is None or response.status == SWITCHING_PROTOCOLS:
            call.end()
        else:
            content = response.content
            response.connection.add_callback(lambda: call.end(_kind_of_body(aiohttp, content.exception())))

    async def on_exception(_session: Any, context: Any, params: Any) -> None:  # noqa: ANN401
        error, call = params.exception, context.call
        if context.redirect and isinstance(error, not_followed):
            return
        call.host = params.url.raw_host or ""
        if isinstance(error, aiohttp.ClientResponseError) and error.__cause__ is None:  # the application wants it for this status
            call.status = error.status
            call.end()
        else:
            call.end(_kind(aiohttp, error))

    hook = aiohttp.TraceConfig()
    hook.on_request_start.append(on_start)
    hook.on_request_redirect.append(on_redirect)
    hook.on_request_end.append(on_end)
    hook.on_request_exception.append(on_exception)
    hook.freeze()
    return hook


def _kind_of_body(aiohttp: Any, error: BaseException | None) -> str:  # noqa: ANN401 - the module
    """What broke the body off; a reader who has enough leaves exactly this class of error behind."""
    if error is None or type(error) is aiohttp.ClientConnectionError:
        # A total limit and a cancellation reach the reader alone, and pass by here.
        passing = sys.exception()
        error = passing if isinstance(passing, TimeoutError | asyncio.CancelledError) else None
    return "" if error is None else _kind(aiohttp, error)


def _kind(aiohttp: Any, error: BaseException) -> str:  # noqa: ANN401 - the module
    if isinstance(error, TimeoutError):
        return TIMEOUT
    if isinstance(error, aiohttp.ClientConnectorError):
        return CONNECT
    return CANCELLED if isinstance(error, asyncio.CancelledError) else OTHER_ERROR
