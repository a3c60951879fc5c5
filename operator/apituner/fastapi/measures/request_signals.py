"""What requests took, as the clients' side of the API feels it."""

from apituner.fastapi.measures.buckets import BODY_BYTES, HTTP_S, SERIALIZATION_S, WAIT_S
from apituner.fastapi.measures.tallies import Tallies


class RequestSignals:
    """The metrics of requests; OpenTelemetry's names where it has one."""

    def __init__(self, tallies: Tallies) -> None:
        self.duration = tallies.histogram(
            "http_server_request_duration_seconds",
            "From the first sight of a request to the last byte of its body, without background tasks.",
            ("http_request_method", "http_route", "http_response_status_code"),
            HTTP_S,
        )
        self.active = tallies.sum_gauge("http_server_active_requests", "Requests being answered.", ("http_request_method",))
        self.queue = tallies.histogram(
            "apituning_request_queue_time_seconds",
            "From the proxy's X-Request-Start to the first sight of a request; only where the app trusts that header.",
            (),
            WAIT_S,
        )
        self.body = tallies.histogram(
            "http_server_response_body_size_bytes", "Bytes of the response's body as they were sent.", ("http_route",), BODY_BYTES
        )
        self.serialization = tallies.histogram(
            "apituning_response_serialization_seconds",
            "To validate what a route returned against its response model, and to write it as JSON.",
            ("http_route",),
            SERIALIZATION_S,
        )
