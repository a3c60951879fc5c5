"""
The connection pools of urllib3, on which requests stands, and many a client of a vendor.

One method sends every request. It calls itself for a retry or a redirect of urllib3's own, and hands on what became of the attempt before,
so each attempt is a call; a pause between two belongs to the first. A response is over when its connection is given back or closed.
"""

import sys
import threading
from functools import wraps
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ResponseError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError
from urllib3.response import HTTPResponse
from urllib3.util import Retry, Timeout, parse_url

from apituner.fastapi.calls.watch import CONNECT, OTHER_ERROR, TIMEOUT, Call, CallWatch

# Where urlopen() has its arguments, after the method and the URL, if they are given by place.
_PLACES = {"retries": 2, "timeout": 5}


class _Attempts(threading.local):
    """The attempt that this thread makes, and on which pool."""

    call: Call | None = None
    pool: object = None


def watch_pools(watch: CallWatch) -> None:
    """Begin to see every request that leaves by urllib3; once in a process."""
    attempts = _Attempts()
    send = urllib3.HTTPConnectionPool.urlopen

    @wraps(send)
    def seen(pool: Any, method: str, url: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as urllib3's
        outer, outer_pool = attempts.call, attempts.pool
        retries = _given("retries", args, options)
        if outer is not None and outer_pool is pool and isinstance(retries, Retry) and retries.history:
            _end_before(outer, retries)
        limit = _given("timeout", args, options)
        # A plain HTTP proxy's pool is asked for whole URLs.
        host = pool.host if url.startswith("/") else parse_url(url).host or pool.host
        call = Call(watch, host, limited=_is_limited(pool.timeout if limit is Timeout.DEFAULT_TIMEOUT else limit))
        attempts.call, attempts.pool = call, pool
        try:
            response = send(pool, method, url, *args, **options)
        except BaseException as error:
            call.status = _refused_status(error)
            call.end("" if call.status else _kind(error))
            raise
        finally:
            attempts.call, attempts.pool = outer, outer_pool
        call.status = response.status
        if response.closed:
            call.end()
        else:
            response.__dict__.setdefault("_apituner_call", call)
        return response

    pools: Any = urllib3.HTTPConnectionPool
    pools.urlopen = seen
    for name in ("release_conn", "close"):
        setattr(HTTPResponse, name, _ending(getattr(HTTPResponse, name)))


def _given(name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:  # noqa: ANN401 - any argument
    place = _PLACES[name]
    return options.get(name, args[place] if len(args) > place else Timeout.DEFAULT_TIMEOUT)


def _ending(give_back: Any) -> Any:  # noqa: ANN401 - a method of the response
    @wraps(give_back)
    def ending(response: Any) -> Any:  # noqa: ANN401 - as urllib3's
        if (call := response.__dict__.pop("_apituner_call", None)) is not None:
            # What breaks a body off passes by here as urllib3's own exception; any other is the reader's.
            passing = sys.exception()
            call.end(_kind(passing) if isinstance(passing, HTTPError) else "")
        return give_back(response)

    return ending


def _end_before(call: Call, retries: Retry) -> None:
    """End the attempt before this one, of which the retries tell what it brought."""
    before = retries.history[-1]
    call.status = before.status or 0
    call.end("" if before.error is None else _kind(before.error))


def _refused_status(error: BaseException) -> int:
    """The status of the last attempt, where the application asked for retries by status and none is left; only the sentence tells it."""
    if isinstance(error, MaxRetryError) and isinstance(error.reason, ResponseError):
        return next((int(word) for word in str(error.reason).split() if word.isdecimal()), 0)
    return 0


def _is_limited(limit: Any) -> bool:  # noqa: ANN401 - a number, a Timeout or None
    """Whether somebody ends a call to a service that keeps silent."""
    if not isinstance(limit, Timeout):
        return limit is not None
    unlimited = (None, Timeout.DEFAULT_TIMEOUT)
    return limit.total not in unlimited or limit.read_timeout not in unlimited


def _kind(error: BaseException) -> str:
    if isinstance(error, MaxRetryError) and error.reason is not None:
        error = error.reason
    if isinstance(error, NewConnectionError):  # to urllib3 this is a kind of time-out
        return CONNECT
    return TIMEOUT if isinstance(error, Urllib3TimeoutError) else OTHER_ERROR
