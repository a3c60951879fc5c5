"""
One request, and its attempts: retries outside, the circuit breaker inside, so each attempt counts, and an open breaker is not retried.

Both transports are for sync and for async clients, as that of httpx-retries is.
"""

import time
from typing import Any

import httpx
from httpx_retries import RetryTransport

from apituner.fastapi.calls.hosts import FAILURE, FAILURES_TO_OPEN, HOSTS, OPEN_S, SUCCESS, UNKNOWN, Attempt
from apituner.fastapi.calls.httpx_bodies import AsyncBody, SyncBody
from apituner.fastapi.calls.propagation import propagate
from apituner.fastapi.calls.retries import BudgetedRetry

# What a service or the proxy before it answers when it cannot serve. A 500 is most often a bug on one path, and must not cut all others
# off; a 4xx, 429 included, is for us to change.
_FAILED_STATUSES = frozenset({502, 503, 504})

# What happens between us and the service. Not among them: a wait for the client's own pool, which hangs by other services, too, and what is
# wrong with the request itself.
_FAILED_ERRORS = (
    httpx.ConnectTimeout,
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.NetworkError,
    httpx.RemoteProtocolError,
    httpx.ProxyError,
)

# httpx limits each wait for a part of the body, so a service that drips could take for ever: the whole may take twice as long as one wait.
_WHOLE_BODY = 2

_NEVER_S = float("inf")


class CircuitOpen(httpx.TransportError):
    """A request that was not sent, since the service has failed too often of late."""


class RetryingTransport(RetryTransport):
    """Sends a request, and again if that may help."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        _prepare(request)
        return super().handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        _prepare(request)
        return await super().handle_async_request(request)


def _prepare(request: httpx.Request) -> None:
    service = HOSTS.service(request.url.raw_host.decode("ascii", "replace"), request.url.netloc)
    service.begin()
    propagate(request)
    # Always a new one: a redirect brings along that of the service before.
    request.extensions["retry"] = BudgetedRetry(service, repeatable=isinstance(request.stream, httpx.ByteStream))


class GuardedTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Makes one attempt, unless the breaker of its service is open."""

    def __init__(self, transport: Any) -> None:  # noqa: ANN401 - either kind
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make it."""
        attempt, deadline_s = _begin(request)
        try:
            response: httpx.Response = self._transport.handle_request(request)
        except BaseException as error:
            attempt.end(_outcome(error))
            raise
        return _answered(request, response, attempt, deadline_s, SyncBody)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make it."""
        attempt, deadline_s = _begin(request)
        try:
            response: httpx.Response = await self._transport.handle_async_request(request)
        except BaseException as error:
            attempt.end(_outcome(error))
            raise
        return _answered(request, response, attempt, deadline_s, AsyncBody)

    def close(self) -> None:
        """Close its connections."""
        self._transport.close()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._transport.aclose()


def _begin(request: httpx.Request) -> tuple[Attempt, float]:
    """Begin an attempt; return it, and until when its body must be here."""
    service = _retries(request).service
    if (attempt := service.attempt()) is None:
        raise CircuitOpen(
            f"{service.host} is not called: its last {FAILURES_TO_OPEN} attempts failed; one is let through every {OPEN_S:g} s",
            request=request,
        )
    read_s = request.extensions.get("timeout", {}).get("read")
    return attempt, _NEVER_S if read_s is None else time.perf_counter() + _WHOLE_BODY * read_s


def _answered(
    request: httpx.Request, response: httpx.Response, attempt: Attempt, deadline_s: float, body: type[AsyncBody | SyncBody]
) -> httpx.Response:
    """Take note of a response: of its head at once, of its body when that is over."""
    _retries(request).retry_after = response.headers.get("Retry-After", "")
    if response.status_code in _FAILED_STATUSES:
        attempt.end(FAILURE)
    else:
        attempt.answered()
    if response.is_closed:  # the body came with the head, as from a test's transport
        attempt.end(SUCCESS)
    else:
        response.stream = body(response.stream, lambda error: attempt.end(_outcome(error)), deadline_s)
    return response


def _retries(request: httpx.Request) -> BudgetedRetry:
    retries: BudgetedRetry = request.extensions["retry"]
    return retries


def _outcome(error: BaseException | None) -> str:
    """What an attempt came to; a reader who has enough of a body had an answer, one who was cancelled may not have waited long enough."""
    if error is None:
        return SUCCESS
    return FAILURE if isinstance(error, _FAILED_ERRORS) else UNKNOWN
