"""What the client sends and remembers, and how sources are kept apart."""

import asyncio
import gzip
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from apituner.core.policy import Objective
from apituner.core.snapshot import Absence, Unobserved
from apituner.ports import Target
from apituner.prometheus.answer import Sample
from apituner.prometheus.client import Endpoint, PrometheusSource
from apituner.prometheus.faults import Auth, Resting, Unreachable
from apituner.prometheus.observer import PrometheusObserver
from misbehaving import (
    PATIENCE_S,
    answers,
    hangs,
    serving,
    vector,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def a_target(source: str = "default") -> Target:
    """Return a target of *source*."""
    objective = Objective(percentile=95, latency_s=0.25, error_ratio=0.01)
    return Target(namespace="shop", name=source, deployment="orders", container=None, variables=(), objective=objective, source=source)


async def test_a_good_answer() -> None:
    """Samples come out as told, NaN included; all parameters are sent, and the connection is used again."""
    with serving(answers(200, gzip.compress(vector("1.5", "NaN")), Content_Encoding="gzip")) as server:
        source = PrometheusSource("default", server.endpoint())
        await source.ask("up", at=1.25)
        first, second = await source.ask('up{a="b"}', at=1.25)

    labels = {"namespace": "shop", "workload": "orders", "signal": "cpu"}
    assert first == Sample(labels=labels, value=1.5)
    assert second.value != second.value
    asked = urlsplit(server.asked[1])
    assert asked.path == "/prom/api/v1/query"
    assert parse_qs(asked.query) == {"query": ['up{a="b"}'], "time": ["1.250"], "timeout": ["10s"], "limit": ["160000"]}
    assert server.connections == 1
    assert source.tally.queries == {"Success": 2}
    assert source.tally.last_success_at


async def test_an_empty_answer_is_no_zero() -> None:
    """A Prometheus that knows nothing of the API gives the advice how to be seen, not an idle API."""
    with serving(answers(200, vector())) as server:
        observer = PrometheusObserver({"default": PrometheusSource("default", server.endpoint())}, 60)
        (answer,) = (await observer.observe([a_target()], NOON)).values()

    assert isinstance(answer, Unobserved)
    assert answer.reason is Absence.NO_SERIES


async def test_one_source_does_not_touch_another() -> None:
    """While one source hangs and one does not exist, the third answers; to hang, or to know nothing, costs one query, not six."""
    with serving(hangs) as hanging, serving(answers(200, vector())) as good:
        sources = {"hanging": PrometheusSource("hanging", hanging.endpoint()), "good": PrometheusSource("good", good.endpoint())}
        async with asyncio.timeout(PATIENCE_S):
            seen = await PrometheusObserver(sources, 60).observe([a_target("hanging"), a_target("good"), a_target("gone")], NOON)

    reasons = {target.source: answer.reason for target, answer in seen.items() if isinstance(answer, Unobserved)}
    assert reasons == {"hanging": Absence.UNREACHABLE, "good": Absence.NO_SERIES, "gone": Absence.UNKNOWN_SOURCE}
    assert "known are good, hanging" in next(
        answer.because for answer in seen.values() if isinstance(answer, Unobserved) and "gone" in answer.because
    )
    assert len(hanging.asked) == 1
    assert len(good.asked) == 1


async def test_a_source_that_fails_is_left_alone() -> None:
    """After three failures in a row it is not asked any more for a while, and the sentence says so."""
    with serving(answers(503, b"")) as server:
        source = PrometheusSource("default", server.endpoint())
        for _ in range(3):
            with pytest.raises(Unreachable, match="HTTP 503"):
                await source.ask("up", at=1.0)
        with pytest.raises(Resting, match=r"failed 3 times in a row.*HTTP 503.*look at its logs"):
            await source.ask("up", at=1.0)

    assert len(server.asked) == 3
    assert source.tally.queries == {"Unreachable": 3, "Resting": 1}


async def test_a_refusal_does_not_open_the_breaker() -> None:
    """A server that says no is alive: it is asked again in every sweep, so that the way back is seen at once."""
    with serving(answers(401, b"")) as server:
        source = PrometheusSource("default", server.endpoint())
        for _ in range(4):
            with pytest.raises(Auth):
                await source.ask("up", at=1.0)

    assert len(server.asked) == 4


async def test_the_environment_and_the_home_folder_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment does not get to see our credentials."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with serving(answers(200, vector("1"))) as server:
        assert len(await PrometheusSource("default", server.endpoint()).ask("up", at=1.0)) == 1


async def test_the_token_is_read_for_every_query(tmp_path: Path) -> None:
    """A token that rotates is followed; one that cannot be read is told."""
    token = tmp_path / "token"
    with serving(answers(200, vector("1"))) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        source = PrometheusSource("default", server.endpoint(url=url, token_file=token))
        for value in ("one", "two\n"):
            token.write_text(value)
            await source.ask("up", at=1.0)
        token.unlink()
        with pytest.raises(Auth, match="token file"):
            await source.ask("up", at=1.0)

    assert [headers["Authorization"] for headers in server.sent] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("ftp://prometheus", id="another protocol"),
        pytest.param("prometheus:9090", id="no protocol"),
        pytest.param("http://", id="no host"),
        pytest.param("http://prometheus:9090/?token=x", id="with parameters"),
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    """Only http and https with a host and a path are accepted, before anything is sent."""
    with pytest.raises(ValueError, match="the address of a Prometheus must"):
        Endpoint(url=url)
