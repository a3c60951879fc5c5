"""
What HTTP requests to other services took, by host, and what the client of our own did about those that failed.

A host is named without its port, as OpenTelemetry does: in a cluster each service has a name of its own.
"""

from apituner.fastapi.measures.buckets import HTTP_S
from apituner.fastapi.measures.tallies import Tallies

_HOST = ("server_address",)


class CallSignals:
    """The metrics of HTTP clients; OpenTelemetry's names where it has one."""

    def __init__(self, tallies: Tallies) -> None:
        self.duration = tallies.histogram(
            "http_client_request_duration_seconds",
            "From sending a request to the last byte of its response, one attempt; the status is empty where there was no response.",
            ("server_address", "http_response_status_code"),
            HTTP_S,
        )
        self.errors = tallies.counter(
            "apituning_http_client_errors_total",
            "Attempts without a whole response, by why: timeout, connect, cancelled (given up from outside) or other.",
            ("server_address", "error_type"),
        )
        self.attempts = tallies.counter(
            "apituning_http_client_attempts_total",
            "Attempts of http_client(), by outcome: success, failure (counted by the circuit breaker), rejected (not sent, since the "
            "breaker was open) or unknown (given up, or failed on our side).",
            ("server_address", "outcome"),
        )
        self.retries = tallies.counter("apituning_http_client_retries_total", "Retries of http_client().", _HOST)
        self.denied_retries = tallies.counter(
            "apituning_http_client_retries_denied_total", "Retries of http_client() that its budget did not allow.", _HOST
        )
        self.breaker_state = tallies.most_gauge(
            "apituning_http_client_breaker_state",
            "State of the circuit breaker of http_client(): 0 closed, 1 half open, 2 open; of several workers, or ports, the worst.",
            _HOST,
        )
