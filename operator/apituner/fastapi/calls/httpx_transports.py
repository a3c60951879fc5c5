"""
The transports of httpx, sync and async.

The methods with which they send one request over the network are replaced in their classes, so clients that were made before are seen, too,
and each redirect and each retry is a call of its own. A transport without a network, such as a test's, is none of these classes.
"""

import asyncio
from functools import wraps
from typing import Any

import httpx

from apituner.fastapi.calls.httpx_bodies import AsyncBody, SyncBody, Unread
from apituner.fastapi.calls.watch import CANCELLED, CONNECT, OTHER_ERROR, SWITCHING_PROTOCOLS, TIMEOUT, Call, CallWatch


def watch_transports(watch: CallWatch) -> None:
    """Begin to see every request that leaves by httpx; once in a process."""
    # No hook is around every transport.
    async_class: Any = httpx.AsyncHTTPTransport
    sync_class: Any = httpx.HTTPTransport
    send_async, send = async_class.handle_async_request, sync_class.handle_request

    @wraps(send_async)
    async def seen_async(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        call = _begin(watch, request)
        try:
            response: httpx.Response = await send_async(transport, request)
        except BaseException as error:
            call.end(_kind(error))
            raise
        if _answered(call, response):
            stream: Any = response.stream
            response.stream = AsyncBody(stream, lambda error: call.end(_kind(error)))
        return response

    @wraps(send)
    def seen(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        call = _begin(watch, request)
        try:
            response: httpx.Response = send(transport, request)
        except BaseException as error:
            call.end(_kind(error))
            raise
        if _answered(call, response):
            stream: Any = response.stream
            response.stream = SyncBody(stream, lambda error: call.end(_kind(error)))
        return response

    async_class.handle_async_request, sync_class.handle_request = seen_async, seen


def _begin(watch: CallWatch, request: httpx.Request) -> Call:
    # Without a limit to connect or to write, the kernel gives up after minutes; for a service that keeps silent nobody does.
    limits = request.extensions.get("timeout")
    return Call(watch, request.url.raw_host.decode("ascii", "replace"), limited=limits is not None and limits.get("read") is not None)


def _answered(call: Call, response: httpx.Response) -> bool:
    """Note the answer; whether its body is still to come."""
    call.status = response.status_code
    if call.status == SWITCHING_PROTOCOLS:
        call.end()
        return False
    return True


def _kind(error: BaseException | None) -> str:
    if error is None or isinstance(error, Unread):
        return ""
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.PoolTimeout):
        return TIMEOUT
    if isinstance(error, httpx.ConnectError):
        return CONNECT
    return CANCELLED if isinstance(error, asyncio.CancelledError) else OTHER_ERROR
