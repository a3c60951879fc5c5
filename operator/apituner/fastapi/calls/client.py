"""The page that puts the client together."""

from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    import httpx

# A lost packet of the three that open a connection is sent again after 1 s (RFC 6298): one loss is borne, and no more.
CONNECT_S = 2.0

# httpx's own default.
READ_S = 5.0


@overload
def http_client(*, sync: Literal[False] = ..., **options: Any) -> "httpx.AsyncClient": ...  # noqa: ANN401 - httpx's own
@overload
def http_client(*, sync: Literal[True], **options: Any) -> "httpx.Client": ...  # noqa: ANN401 - httpx's own


def http_client(*, sync: bool = False, **options: Any) -> "httpx.AsyncClient | httpx.Client":
    """
    Return a client of httpx that neither waits for ever nor makes an outage worse; with *sync*, one for handlers written with ``def``.

    The *options* are those of ``httpx.AsyncClient`` and ``httpx.Client``. Make one for each service and keep it, as httpx advises; what is
    known of a service is shared by all clients of the process.

        async with http_client(base_url="http://payments:8000") as payments:
            await payments.get("/health")

    - Time limits: 2 s to connect, 5 s for each wait for the response, and twice that for the whole of it. A ``timeout`` among the options,
      or of one request, replaces them; with ``read=None`` there is no limit, as for a stream of events.
    - Retries: GET, HEAD, OPTIONS, TRACE, PUT and DELETE are sent up to three times, after a random pause of at most 0.2 and 0.4 s, or after
      the pause that the service asks for with Retry-After if that is at most 5 s; of all requests to a service at most a tenth, and one a
      second. A body that is a stream is not sent again.
    - Circuit breaker: after five failures of a service in a row (no connection, a time-out, a broken connection, 502, 503, 504), requests
      to it fail at once for 5 s; then one at a time is let through, until one succeeds.
    - The X-Request-ID and the traceparent of the request that is being answered are sent along, unless they are set.

    A request raises what httpx raises, all of it ``httpx.HTTPError``; one that an open breaker keeps back raises an
    ``httpx.TransportError`` that says so. Raises ImportError where the extra ``client`` is not installed.
    """
    try:
        import httpx  # noqa: PLC0415 - an API that does not use this client need not have it
        import purgatory  # noqa: F401, PLC0415 - likewise; needed with the first request, which is too late to say so

        from apituner.fastapi.calls.transports import GuardedTransport, RetryingTransport  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise ImportError(
            f"http_client() needs httpx, httpx-retries and purgatory ({error}): install the extra, as in pip install 'apituner[client]'"
        ) from error

    def safe(transport: Any) -> RetryingTransport:  # noqa: ANN401 - either kind
        return RetryingTransport(GuardedTransport(transport))

    options.setdefault("timeout", httpx.Timeout(READ_S, connect=CONNECT_S))
    client: Any = httpx.Client(**options) if sync else httpx.AsyncClient(**options)
    # A transport given to its constructor would put its options for TLS, limits and proxies out of use.
    client._transport = safe(client._transport)  # noqa: SLF001
    client._mounts = {pattern: transport and safe(transport) for pattern, transport in client._mounts.items()}  # noqa: SLF001
    made: httpx.AsyncClient | httpx.Client = client
    return made
