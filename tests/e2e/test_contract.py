"""The check of responses in real servers: one route breaks its promise in one field, and is named; the others are not."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from e2e.defaults_server import SECRET, Api, eventually, served

_CHECKS, _VIOLATIONS, _SKIPPED = (f"apituning_response_contract_{name}_total" for name in ("checks", "violations", "skipped"))


def _ask(api: Api, path: str, times: int) -> None:
    """On a connection of its own each time, so that all workers get some."""
    for _ in range(times):
        httpx.get(f"{api.url}{path}", timeout=10)


@pytest.mark.parametrize("workers", [pytest.param(1, id="one worker"), pytest.param(3, id="three workers")])
def test_a_response_that_is_not_as_documented_is_named_by_route_and_field(tmp_path: Path, workers: int) -> None:
    """Every sampled response is counted once, and its values are nowhere."""
    with served(tmp_path, workers=workers) as api:
        _ask(api, "/orders/1", 12)
        _ask(api, "/orders/0", 2)  # refused, as documented
        _ask(api, "/orders/1/receipt", 12)
        expected = {("/orders/{order_id}",): 14.0, ("/orders/{order_id}/receipt",): 12.0}
        eventually(lambda: api.series(_CHECKS) == expected, f"all of them to be checked: {api.log.read_text()}")
        assert api.series(_VIOLATIONS) == {("$.lines[].quantity", "/orders/{order_id}/receipt"): 12}
        assert api.series(_SKIPPED) == {}
        said = api.log.read_text()
        assert (
            "a response of GET /orders/{order_id}/receipt (200) is not as the OpenAPI document says: "
            '$.lines[].quantity, expected type "integer"'
        ) in said
        assert said.count("is not as the OpenAPI document says") <= workers
        assert SECRET not in said
        assert SECRET not in httpx.get(api.metrics_url).text


def test_a_client_that_goes_away_half_way_breaks_no_promise(tmp_path: Path) -> None:
    """What it got is no JSON, and that is its own doing."""
    with served(tmp_path) as api:
        address = urlsplit(api.url)
        for _ in range(3):
            with socket.create_connection((address.hostname, address.port or 0)) as client:
                client.sendall(b"GET /numbers HTTP/1.1\r\nHost: orders\r\n\r\n")
                assert client.recv(4096).startswith(b"HTTP/1.1 200")
        gone = ("GET", "499", "/numbers")
        eventually(lambda: api.series("http_server_request_duration_seconds_count").get(gone) == 3, "the server to notice")
        _ask(api, "/orders/1", 1)
        eventually(lambda: api.series(_CHECKS) == {("/orders/{order_id}",): 1}, "the next one to be checked")
        assert api.series(_VIOLATIONS) == {}
