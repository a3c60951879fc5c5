"""Whether the operator lives, is ready, and what it counts, asked over HTTP as the kubelet and Prometheus do."""

import asyncio
import socket

import aiohttp
import pytest

from apituner.engine.sweep import Tally
from apituner.probes import Probes
from apituner.prometheus.client import Endpoint, PrometheusSource
from apituner.telemetry import Telemetry

_FINE = Tally(objects=3, decisions={("Keep", "NothingWrong"): 2, ("Hold", "Stabilizing"): 1}, faults=0)


def _telemetry(**facts: float) -> Telemetry:
    sources = {"default": PrometheusSource("default", Endpoint(url="http://127.0.0.1:9"))}
    return Telemetry(sources=sources, patience_s=75, started_at_s=facts.get("started_at_s", 0.0))


def _value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return telemetry.registry.get_sample_value(name, labels)


def test_sweeps_and_decisions_are_counted() -> None:
    """By kind and reason; the objects are those of the last sweep."""
    telemetry = _telemetry()

    telemetry.swept(_FINE, 0.5, 10)
    telemetry.swept(Tally(objects=2, decisions={("Keep", "NothingWrong"): 2}, faults=1), 1.5, 25)

    assert _value(telemetry, "apituner_decisions_total", kind="Keep", reason="NothingWrong") == 4
    assert _value(telemetry, "apituner_decisions_total", kind="Hold", reason="Stabilizing") == 1
    assert (_value(telemetry, "apituner_objects"), _value(telemetry, "apituner_faults_total")) == (2, 1)
    assert (_value(telemetry, "apituner_sweep_seconds_count"), _value(telemetry, "apituner_sweep_seconds_sum")) == (2, 2.0)


def test_a_sweep_that_fails_is_a_fault_and_no_sign_of_life() -> None:
    """An operator whose every sweep fails is not ready, and stuck after its patience."""
    telemetry = _telemetry()

    for number in range(5):
        telemetry.swept(None, 0.1, 15.0 * number)

    assert _value(telemetry, "apituner_faults_total") == 5
    assert not telemetry.ready
    assert telemetry.alive(74)
    assert not telemetry.alive(75)


def test_life_is_counted_from_the_last_sweep() -> None:
    """From the start before the first."""
    telemetry = _telemetry(started_at_s=1000)
    assert telemetry.alive(1074)

    telemetry.swept(_FINE, 0.5, 1074)

    assert telemetry.alive(1148)
    assert not telemetry.alive(1149)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def _get(port: int, path: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text(), answer.headers["Content-Type"]


async def test_probes_answer_over_http() -> None:
    """503 with a reason before the first sweep, 200 after it, and 503 again when sweeps no longer end."""
    now_s = asyncio.get_running_loop().time()
    telemetry, port = _telemetry(started_at_s=now_s), _free_port()
    async with Probes(telemetry, host="127.0.0.1", port=port):
        assert (await _get(port, "/healthz"))[:2] == (200, "ok\n")
        assert (await _get(port, "/readyz"))[:2] == (503, "the first sweep has not ended yet\n")
        telemetry.swept(_FINE, 0.5, now_s)
        assert (await _get(port, "/readyz"))[:2] == (200, "ok\n")
        telemetry.swept(_FINE, 0.5, now_s - 100)
        assert (await _get(port, "/healthz"))[:2] == (503, "no sweep has ended lately\n")


async def test_metrics_are_served_in_the_format_of_prometheus() -> None:
    """With the counts of queries, which are read at scrape time."""
    telemetry, port = _telemetry(), _free_port()
    telemetry.swept(_FINE, 0.5, 1)
    async with Probes(telemetry, host="127.0.0.1", port=port):
        status, text, kind = await _get(port, "/metrics")

    assert status == 200
    assert kind.startswith("text/plain")
    assert 'apituner_decisions_total{kind="Keep",reason="NothingWrong"} 2.0' in text
    assert "# TYPE apituner_prometheus_queries_total counter" in text


async def test_nothing_is_listened_to_after_the_end() -> None:
    """The port is free again at once."""
    port = _free_port()
    async with Probes(_telemetry(), host="127.0.0.1", port=port):
        pass

    with pytest.raises(aiohttp.ClientConnectionError):
        await _get(port, "/healthz")


async def test_a_port_that_is_taken_is_an_error_of_the_start() -> None:
    """The command ends with it instead of running unseen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="address already in use"):
            async with Probes(_telemetry(), host="127.0.0.1", port=taken.getsockname()[1]):
                pass
