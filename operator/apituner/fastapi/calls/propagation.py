"""
By which name the called service knows a request: the X-Request-ID of the one that is being answered, and the trace that it came with.

A trace that nobody began is not passed on: its flag "sampled" would decide for the called service whether it traces. What the caller set
itself stays, and a tracing library that is in use writes its own later.
"""

import httpx

from apituner.fastapi.requests.spans import current


def propagate(request: httpx.Request) -> None:
    """Add the headers."""
    if (exchange := current.get()) is None:
        return
    headers = request.headers
    if exchange.request_id and exchange.request_id.isascii():
        headers.setdefault("X-Request-ID", exchange.request_id)
    if exchange.trace_id and "traceparent" not in headers:
        came = dict(exchange.scope["headers"])
        parent = came.get(b"traceparent", b"").decode("ascii", "replace")
        # As it came: who writes no span of its own is no parent.
        if exchange.trace_id in parent:
            headers["traceparent"] = parent
            if (state := came.get(b"tracestate")) is not None and state.isascii():
                headers.setdefault("tracestate", state.decode("ascii"))
