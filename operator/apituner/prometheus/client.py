"""One Prometheus: asked for instant vectors, within a deadline, without ever letting a doubtful answer through."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import requests
import urllib3
from prometheus_api_client import PrometheusConnect
from urllib3.exceptions import NameResolutionError
from urllib3.util.retry import Retry

from apituner.prometheus.answer import Sample
from apituner.prometheus.breaker import Breaker
from apituner.prometheus.faults import Auth, BadAnswer, Resting, SourceFault, Unreachable, too_slow
from apituner.prometheus.lanes import Lanes, LanesFullError
from apituner.prometheus.session import BoundedSession
from apituner.prometheus.tally import SUCCESS, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a source is and how it is asked. The URL may hold a password, so it is never shown."""

    url: str
    token_file: Path | None = None
    """Read before every query: the tokens of service accounts rotate."""
    ca_file: Path | None = None
    deadline_s: float = 5.0
    """From the first byte sent to the last one read. Two queries run one after the other in a sweep of 15 s, and leave a third of it."""
    connect_s: float = 2.0
    """One retransmission of a lost SYN takes 1 s."""
    most_bytes: int = 32 * 2**20
    """500 APIs answer 4 MiB to the largest query, which tells their routes; 4,000 fill it."""
    most_series: int = 160_000
    """4,100 APIs of 39 series: 4 counts, 7 figures of 5 routes. What is cut off comes with a warning, which makes the answer partial."""
    most_threads: int = 10
    """Five queries run at once, and as many may hang before no more are started."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the address of a Prometheus must start with http:// or https:// and name a host")
        if parts.query or parts.fragment:
            raise ValueError("the address of a Prometheus must end with its path, without ? and #")


class _Connect(Protocol):
    """The little that is used of prometheus-api-client, which ships no types."""

    headers: dict[str, str]

    def custom_query(self, query: str, params: dict[str, str]) -> tuple[Sample, ...]: ...


class PrometheusSource:
    """A named Prometheus. For one event loop."""

    def __init__(self, name: str, endpoint: Endpoint) -> None:
        self.name = name
        self.tally = Tally()
        self.breaker = Breaker()
        self.lanes = Lanes(endpoint.most_threads)
        self._endpoint = endpoint
        self._idle: list[_Connect] = []
        self._last_fault: Unreachable | None = None

    async def ask(self, promql: str, *, at: float) -> tuple[Sample, ...]:
        """Evaluate *promql* at the Unix time *at*; any failure is a `SourceFault` with its sentence."""
        started_s = time.monotonic()
        try:
            answered = await self._attempt(promql, at, started_s)
        except SourceFault as fault:
            match fault:
                case Resting():
                    pass
                case Unreachable():
                    self._last_fault = fault
                    self.breaker.failed(time.monotonic())
                case _:
                    # Somebody is there, though not what we hoped for: nothing is gained by asking less.
                    self.breaker.succeeded()
            self.tally.add(type(fault).__name__, seconds=time.monotonic() - started_s, at=time.time())
            raise
        self.breaker.succeeded()
        self.tally.add(SUCCESS, seconds=time.monotonic() - started_s, at=time.time())
        return answered

    async def _attempt(self, promql: str, at: float, now_s: float) -> tuple[Sample, ...]:
        if not self.breaker.lets_through(now_s) and (last := self._last_fault):
            what = f"failed {self.breaker.failures} times in a row and is asked again every {self.breaker.rest_s:g} s; last, it {last.what}"
            raise Resting(self.name, what, last.advice)
        deadline_s = self._endpoint.deadline_s
        # Taken by the loop's thread alone, so that no two threads take the same one: a session may not be shared.
        connect = self._idle.pop() if self._idle else None
        try:
            return await self.lanes.run(lambda: self._query(connect or self._connect(), promql, at), deadline_s=deadline_s)
        except TimeoutError as error:
            raise too_slow(self.name, deadline_s) from error
        except LanesFullError as error:
            what = f"has not answered {self.lanes.busy} earlier queries, which still hang"
            raise Unreachable(self.name, what, "look at its load, and at the proxy before it") from error

    def _query(self, connect: _Connect, promql: str, at: float) -> tuple[Sample, ...]:
        """In a thread of its own; a connection that failed is not used again."""
        connect.headers = self._headers()
        params = {"time": f"{at:.3f}", "timeout": f"{self._endpoint.deadline_s:g}s", "limit": str(self._endpoint.most_series)}
        try:
            answered = connect.custom_query(promql, params=params)
        except (OSError, urllib3.exceptions.HTTPError) as error:
            # requests' own exceptions are OSErrors; a missing file of authorities is a plain one, and strange headers are urllib3's.
            raise self._fault(error) from error
        self._idle.append(connect)
        return answered

    def _connect(self) -> _Connect:
        endpoint = self._endpoint
        session = BoundedSession(self.name, deadline_s=endpoint.deadline_s, most_bytes=endpoint.most_bytes)
        if endpoint.ca_file is not None:
            session.verify = str(endpoint.ca_file)
        connect: _Connect = PrometheusConnect(
            url=endpoint.url.rstrip("/"),
            retry=Retry(total=0),
            session=session,
            timeout=(min(endpoint.connect_s, endpoint.deadline_s), endpoint.deadline_s),
        )
        return connect

    def _headers(self) -> dict[str, str]:
        if self._endpoint.token_file is None:
            return {}
        try:
            return {"Authorization": f"Bearer {self._endpoint.token_file.read_text(encoding='ascii').strip()}"}
        except (OSError, UnicodeError) as error:
            raise Auth(self.name, "has a token file that cannot be read", f"mount a token at {self._endpoint.token_file}") from error

    def _fault(self, error: OSError | urllib3.exceptions.HTTPError) -> SourceFault:
        """Tell what happened without the exception's own words, for these hold the address."""
        # Without retries urllib3 wraps whatever happened, so the cause tells more than the exception itself.
        causes = tuple(_causes(error))
        match error:
            case requests.exceptions.SSLError():
                advice = "give it a certificate of an authority that the operator's image trusts, or use http"
                return Unreachable(self.name, "shows a certificate that we do not trust", advice)
            case _ if _among(causes, NameResolutionError):
                return Unreachable(self.name, "has a host name that does not resolve", "check its address in the chart's values")
            case _ if _among(causes, ConnectionRefusedError):
                return Unreachable(self.name, "refuses connections", "start it, or correct the host and port in the chart's values")
            case _ if _among(causes, requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
                return too_slow(self.name, self._endpoint.deadline_s)
            case requests.exceptions.ConnectionError():
                return Unreachable(self.name, "broke the connection off", "look at its logs, and at the proxy before it")
            case _:
                return BadAnswer(
                    self.name, f"could not be asked ({type(error).__name__})", "check its address, and the file of its authorities"
                )


def _among(causes: tuple[BaseException, ...], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk *error* and what it came from, as far as that is told; ten steps, for exceptions can run in a circle."""
    cause: BaseException | None = error
    for _ in range(10):
        if cause is None:
            return
        yield cause
        told = (getattr(cause, "reason", None), *cause.args, cause.__cause__, cause.__context__)
        cause = next((deeper for deeper in told if isinstance(deeper, BaseException)), None)
