"""Probes: one question asked again and again, and how many answers in a row change our mind."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from cluster.node.api import Manifest

# Certificates of probed pods are not verified, as by the kubelet.
UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE

Exec = Callable[[list[str], float], Awaitable[bool]]  # runs a command in the container for at most so many seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When to ask and how many equal answers count, with the API's defaults."""

    initial_delay_s: float
    period_s: float
    timeout_s: float
    successes: int
    failures: int

    @classmethod
    def of(cls, probe: Manifest) -> "Timing":
        """The timing that *probe* states."""
        return cls(
            initial_delay_s=probe.get("initialDelaySeconds", 0),
            period_s=probe.get("periodSeconds", 10),
            timeout_s=probe.get("timeoutSeconds", 1),
            successes=probe.get("successThreshold", 1),
            failures=probe.get("failureThreshold", 3),
        )


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What the answers so far amount to."""

    healthy: bool
    timing: Timing
    in_a_row: int = 0
    last: bool | None = None

    def hear(self, *, success: bool) -> None:
        """Count one more answer."""
        self.in_a_row = self.in_a_row + 1 if success == self.last else 1
        self.last = success
        if self.in_a_row >= (self.timing.successes if success else self.timing.failures):
            self.healthy = success


async def watch(probe: Manifest, *, healthy: bool, ask: Callable[[], Awaitable[bool]], changed: Callable[[bool], None]) -> None:
    """Ask for ever; tell *changed* each time the verdict, at first *healthy*, changes."""
    timing = Timing.of(probe)
    verdict = Verdict(healthy=healthy, timing=timing)
    loop = asyncio.get_running_loop()
    at = loop.time() + timing.initial_delay_s
    while True:
        await asyncio.sleep(at - loop.time())
        before = verdict.healthy
        verdict.hear(success=await ask())
        if verdict.healthy != before:
            changed(verdict.healthy)
        at = max(at + timing.period_s, loop.time())


def question(probe: Manifest, container: Manifest, *, pod_ip: str, run: Exec) -> Callable[[], Awaitable[bool]]:
    """What *probe* asks."""
    timeout_s = Timing.of(probe).timeout_s
    if "httpGet" in probe:
        return lambda: http_answers(probe["httpGet"], container, pod_ip=pod_ip, timeout_s=timeout_s)
    if "exec" in probe:
        return lambda: run(probe["exec"]["command"], timeout_s)
    target = probe.get("tcpSocket") or probe["grpc"]  # of gRPC only that something listens
    return lambda: tcp_answers(target.get("host", pod_ip), port(target["port"], container), timeout_s=timeout_s)


async def http_answers(get: Manifest, container: Manifest, *, pod_ip: str, timeout_s: float) -> bool:
    """Whether the address answers with a status from 200 to 399."""
    place = f"{get.get('host') or pod_ip}:{port(get['port'], container)}"
    url = f"{get.get('scheme', 'HTTP').lower()}://{place}/{get.get('path', '/').lstrip('/')}"
    headers = {"User-Agent": "kube-probe/1.37", "Connection": "close"} | {h["name"]: h["value"] for h in get.get("httpHeaders", [])}
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=UNVERIFIED, force_close=True)) as session,
            session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=timeout_s)) as answer,
        ):
            return HTTPStatus.OK <= answer.status < HTTPStatus.BAD_REQUEST
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


async def tcp_answers(host: str, number: int, *, timeout_s: float) -> bool:
    """Whether something listens there."""
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, number)
    except (TimeoutError, OSError):
        return False
    writer.close()
    return True


def port(stated: int | str, container: Manifest) -> int:
    """The number of a port that may be stated by its name."""
    named = {p["name"]: p["containerPort"] for p in container.get("ports", []) if "name" in p}
    return int(named.get(str(stated), stated))
