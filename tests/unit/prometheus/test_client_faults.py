"""A real server on loopback that misbehaves in every way we know: nothing it does is read as zero, and nothing it does escapes."""

import asyncio
import gzip
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apituner.core.policy import Objective
from apituner.core.snapshot import Unobserved
from apituner.ports import Target
from apituner.prometheus.client import Endpoint, PrometheusSource
from apituner.prometheus.faults import Auth, BadAnswer, BadQuery, Partial, SourceFault, Unreachable
from apituner.prometheus.observer import PrometheusObserver
from misbehaving import (
    MOST_BYTES,
    PASSWORD,
    PATIENCE_S,
    Behaviour,
    answers,
    breaks_off_a_chunk,
    drips,
    hangs,
    hangs_up,
    says_two_lengths,
    serving,
    vector,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

BOMB = gzip.compress(b" " * (100 * MOST_BYTES))
FAULTS = [
    pytest.param(Unreachable, "cannot answer now (HTTP 503)", answers(503, b"down"), id="503"),
    pytest.param(Unreachable, "cannot answer now (HTTP 503)", answers(503, b"", Retry_After="3600"), id="503 that wants us to sleep"),
    pytest.param(BadAnswer, "not JSON", answers(200, b"<html>Log in</html>", Content_Type="text/html"), id="a login page"),
    pytest.param(BadAnswer, "sends us elsewhere (HTTP 302)", answers(302, b"", Location="http://127.0.0.1:1/login"), id="a redirect"),
    pytest.param(BadAnswer, "broke off", answers(200, vector("1")[:20], length=500, Connection="close"), id="a body shorter than told"),
    pytest.param(BadAnswer, "broke off", breaks_off_a_chunk, id="a chunk shorter than told"),
    pytest.param(BadAnswer, "not JSON", answers(200, vector("1")[:-5]), id="half a document"),
    pytest.param(Unreachable, "did not answer within 0.1 s", hangs, id="a server that hangs"),
    pytest.param(Unreachable, "did not answer within 0.1 s", drips, id="a server that drips"),
    pytest.param(Unreachable, "broke the connection off", hangs_up, id="a server that hangs up"),
    pytest.param(BadAnswer, "could not be asked (InvalidHeader)", says_two_lengths, id="headers that contradict each other"),
    pytest.param(BadAnswer, "more than 0.0625 MiB", answers(200, vector("1") + b" " * MOST_BYTES), id="a huge body"),
    pytest.param(
        BadAnswer, "more than 0.0625 MiB", answers(200, BOMB, Content_Encoding="gzip"), id="a small body that unpacks to a huge one"
    ),
    pytest.param(BadAnswer, "no gzip", answers(200, vector("1"), Content_Encoding="gzip"), id="gzip that is none"),
    pytest.param(BadAnswer, "broke off", answers(200, gzip.compress(vector("1"))[:-12], Content_Encoding="gzip"), id="half a gzip"),
    pytest.param(BadAnswer, "not asked for", answers(200, vector("1"), Content_Encoding="br"), id="an encoding nobody asked for"),
    pytest.param(Partial, "answered in part (store down)", answers(200, vector("1", warnings=["store down"])), id="a warning"),
    pytest.param(BadAnswer, "answered a matrix", answers(200, vector("1").replace(b'"vector"', b'"matrix"')), id="a matrix"),
    pytest.param(BadQuery, "HTTP 400: parse error", answers(400, b'{"status":"error","error":"parse error"}'), id="400"),
    pytest.param(Auth, "wants other credentials (HTTP 401)", answers(401, b""), id="401"),
]


@pytest.mark.parametrize(("expected", "words", "behave"), FAULTS)
async def test_a_fault(expected: type[SourceFault], words: str, behave: Behaviour) -> None:
    """Each misbehaviour has its class and its sentence; it takes one request, no longer than the deadline, and shows no credential."""
    with serving(behave) as server:
        source = PrometheusSource("default", server.endpoint())
        with pytest.raises(SourceFault) as caught:
            # A server that drips would keep us for ever; the rest is for a machine that is busy.
            async with asyncio.timeout(server.deadline_s + PATIENCE_S / 5):
                await source.ask("up", at=1.0)

    assert expected is type(caught.value)
    assert words in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert len(server.asked) == 1
    assert {expected.__name__: 1} == source.tally.queries
    assert source.tally.last_success_at is None


async def test_connection_refused() -> None:
    """A port where nobody listens is unreachable, at once."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="refuses connections"):
        await PrometheusSource("default", Endpoint(url=f"http://127.0.0.1:{port}")).ask("up", at=1.0)


def a_target(source: str = "default") -> Target:
    """Return a target of *source*."""
    objective = Objective(percentile=95, latency_s=0.25, error_ratio=0.01)
    return Target(namespace="shop", name=source, deployment="orders", container=None, variables=(), objective=objective, source=source)


def test_a_thread_notices_its_own_time_out() -> None:
    """Where the thread finds out before the loop does, the sentence is the same."""
    with serving(hangs) as server:
        source = PrometheusSource("default", server.endpoint())
        with pytest.raises(Unreachable, match=r"did not answer within 0\.1 s"):
            source._query(source._connect(), "up", 1.0)


async def test_a_server_that_speaks_no_tls() -> None:
    """A certificate that cannot be checked is told as such, and nothing is sent without one."""
    with serving(answers(200, vector("1"))) as server:
        endpoint = server.endpoint(url=f"https://127.0.0.1:{server.server_address[1]}")
        with pytest.raises(Unreachable, match="certificate"):
            await PrometheusSource("default", endpoint).ask("up", at=1.0)

    assert not server.asked


async def test_no_file_of_authorities(tmp_path: Path) -> None:
    """A file that was not mounted is a fault with a sentence, too."""
    endpoint = Endpoint(url="https://127.0.0.1:1", ca_file=tmp_path / "ca.crt")
    with pytest.raises(BadAnswer, match="file of its authorities"):
        await PrometheusSource("default", endpoint).ask("up", at=1.0)


async def test_a_host_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve says so: most often it is a typing error."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="does not resolve"):
        await PrometheusSource("default", Endpoint(url="http://prometheus.invalid")).ask("up", at=1.0)


@pytest.mark.parametrize("behave", [pytest.param(case.values[2], id=case.id) for case in FAULTS])
async def test_no_fault_is_read_as_zero(behave: Behaviour) -> None:
    """Through the observer every fault is an answer that says nothing is known, with the fault's sentence."""
    with serving(behave) as server:
        observer = PrometheusObserver({"default": PrometheusSource("default", server.endpoint())}, 60)
        (answer,) = (await observer.observe([a_target()], NOON)).values()

    assert isinstance(answer, Unobserved)
    assert answer.because.startswith("Prometheus source 'default' ")
