"""What HTTP requests to other services took, by host."""

from apituner.fastapi.measures.buckets import HTTP_S
from apituner.fastapi.measures.tallies import Tallies


class CallSignals:
    """The metrics of HTTP clients; OpenTelemetry's names where it has one."""

    def __init__(self, tallies: Tallies) -> None:
        self.duration = tallies.histogram(
            "http_client_request_duration_seconds",
            "From sending a request to the last byte of its response, one attempt; the status is empty where there was no response.",
            ("server_address", "http_response_status_code"),
            HTTP_S,
        )
