"""
A `requests` session that trusts nobody: no environment, no redirects, no cookies, and a body bounded in bytes and in time.

`PrometheusConnect.custom_query` looks at the status and at ``data.result`` only, so whatever it does not look at is checked here, before it
gets to see the response.
"""

import time
import zlib
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse

from apituner.prometheus.answer import Sample, samples
from apituner.prometheus.faults import BadAnswer, too_slow

_PIECE_BYTES = 64 * 1024


class BoundedSession(requests.Session):
    """One connection's session: checked samples come out of `json`, or a fault is raised."""

    def __init__(self, source: str, *, deadline_s: float, most_bytes: int) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        self.headers["Accept-Encoding"] = "gzip"
        self._source = source
        self._deadline_s = deadline_s
        self._most_bytes = most_bytes

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - the signature is that of requests
        """No redirect is followed: not even looked at, for looking reads the whole body."""
        return None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - the signature is that of requests
        """Send, read at most so many bytes for at most so long, and check the envelope."""
        expires_at = time.monotonic() + self._deadline_s
        with super().send(request, **{**kwargs, "stream": True, "allow_redirects": False}) as response:
            body = self._unpacked(self._read(response.raw, expires_at), response.headers)
        return CheckedResponse(response.status_code, samples(self._source, response.status_code, body))

    def _read(self, raw: BaseHTTPResponse, expires_at: float) -> bytes:
        body = bytearray()
        try:
            # One read of the socket at a time: a plain read waits for all its bytes, however slowly they drip.
            while piece := raw.read1(_PIECE_BYTES, decode_content=False):
                body += piece
                if len(body) > self._most_bytes:
                    raise self._too_large()
                if time.monotonic() > expires_at:
                    raise too_slow(self._source, self._deadline_s)
        except ReadTimeoutError as error:
            raise too_slow(self._source, self._deadline_s) from error
        except HTTPError as error:
            raise BadAnswer(self._source, "broke off in the middle of an answer", "look at its logs, and at the proxy before it") from error
        return bytes(body)

    def _unpacked(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        match headers.get("Content-Encoding", "identity").strip().lower():
            case "identity" | "":
                return body
            case "gzip":
                return self._inflated(body)
            case _:
                raise BadAnswer(self._source, "answered in an encoding that was not asked for", "look at the proxy before it")

    def _inflated(self, body: bytes) -> bytes:
        unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            plain = unzip.decompress(body, self._most_bytes + 1)
        except zlib.error as error:
            raise BadAnswer(self._source, "answered bytes that are no gzip, though it says so", "look at the proxy before it") from error
        if len(plain) > self._most_bytes:
            raise self._too_large()
        if not unzip.eof:
            raise BadAnswer(self._source, "broke off in the middle of an answer", "look at its logs, and at the proxy before it")
        return plain

    def _too_large(self) -> BadAnswer:
        advice = "check its address, and how many series the metrics of one API have"
        return BadAnswer(self._source, f"answered more than {self._most_bytes / 2**20:g} MiB", advice)


class CheckedResponse(requests.Response):
    """What `custom_query` gets to see: an answer that has been checked, with the samples where it looks for the result."""

    def __init__(self, status: int, checked: tuple[Sample, ...]) -> None:
        super().__init__()
        self.status_code = status
        self._checked = checked

    def json(self, **_: Any) -> Any:  # noqa: ANN401 - the signature is that of requests
        """Return the part of the envelope that `custom_query` unwraps."""
        return {"data": {"result": self._checked}}
