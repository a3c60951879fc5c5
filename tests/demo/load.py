"""
An open-loop load: requests come when they come, however slow the answers are.

Arrivals are Poisson and every latency is measured from the instant at which its request was due, not from when it could be sent: a
generator that waits for slow answers would hide just the time that users wait (coordinated omission). Requests follow the ready pods,
one connection pool a pod, as a client-side balancer does. What each request took is one line of JSON; memory holds only what is in flight.

    python -m demo.load --pod a=127.0.0.1 --rps 60 --route 9:/orders/{n} --route 1:/orders/{n}/invoice --out requests.jsonl
    python -m demo.load --kubeconfig admin.conf --namespace shop --selector app=orders --rps 60 --rps 300:120 ...

It ends on SIGTERM or after --seconds; requests in flight then have until their time limit.
"""

import argparse
import asyncio
import contextlib
import logging
import math
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import uvloop

from demo.answers import Answer
from demo.discovery import Pods, fixed_pods, ready_pods

_log = logging.getLogger(__name__)

# As often as a balancer hears of a change: a pod in its preStop sleep of 3 s gets nothing after the first half second.
_DISCOVER_EVERY_S = 0.5

# Rate 100 x time limit 10 s = 1000 in flight when nothing is answered; beyond twice that the generator would measure itself.
_MOST_IN_FLIGHT = 2000

# Below uvicorn's 5 s, so that it is never the server that closes an idle connection just as a request is sent on it.
_KEEPALIVE_S = 3.0

# Listening for the end costs a task; between arrivals that are nearer than this it is looked for at the next one.
_LONGEST_NAP_S = 0.2

# The orders that exist.
_ORDERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path to be asked for, with its share among all routes; ``{n}`` becomes the number of an order."""

    path: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A rate of arrivals, from an instant on: seconds since the load began."""

    rps: float
    since_s: float = 0.0


class Load:
    """Sends requests to the ready pods and hands over what each took."""

    def __init__(  # noqa: PLR0913 - what a load is
        self,
        pods: Pods,
        routes: Sequence[Route],
        phases: Sequence[Phase],
        record: Callable[[Answer], object],
        *,
        port: int = 8000,
        timeout_s: float = 10.0,
        seed: int = 1,
    ) -> None:
        self._discover = pods
        self._routes = routes
        self._weights = [route.weight for route in routes]
        self._phases = sorted(phases, key=lambda phase: phase.since_s)
        self._record = record
        self._port = port
        self._timeout_s = timeout_s
        self._random = random.Random(seed)  # noqa: S311 - a load must be repeatable, not secret
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._ready: Sequence[tuple[str, str]] = ()
        self._turn = 0
        self._flying: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event, seconds: float = math.inf) -> None:
        """Send until *stop* is set or *seconds* have passed, then wait for what is in flight."""
        self._ready = await asyncio.to_thread(self._discover)
        following = asyncio.create_task(self._follow())
        try:
            await self._send_all(stop, seconds)
            if self._flying:
                await asyncio.wait(set(self._flying))
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            for session in self._sessions.values():
                await session.close()

    async def _follow(self) -> None:
        gone_since: dict[str, float] = {}
        while True:
            await asyncio.sleep(_DISCOVER_EVERY_S)
            try:
                self._ready = await asyncio.to_thread(self._discover)
            except Exception as error:  # noqa: BLE001 - whatever a discovery dies of: the pods stay as they were, as in a balancer
                _log.warning("pods not read, going on with the last ones: %s", error)
            now_s, ready = time.monotonic(), {ip for _, ip in self._ready}
            gone_since = {ip: gone_since.get(ip, now_s) for ip in self._sessions if ip not in ready}
            for ip, since_s in gone_since.items():
                if now_s - since_s > self._timeout_s + 1:
                    await self._sessions.pop(ip).close()

    async def _send_all(self, stop: asyncio.Event, seconds: float) -> None:
        began_s, began_at = time.perf_counter(), time.time()
        due_s = 0.0
        while (due_s := self._next(due_s)) < seconds:
            await _sleep(stop, until_s=began_s + due_s)
            if stop.is_set():
                return
            self._launch(due_s=began_s + due_s, at=began_at + due_s)
        await _sleep(stop, until_s=began_s + seconds)

    def _next(self, now_s: float) -> float:
        """Return when the next request is due after *now_s*: never, if no rate is above 0 any more."""
        for index, phase in enumerate(self._phases):
            end_s = self._phases[index + 1].since_s if index + 1 < len(self._phases) else math.inf
            now_s = max(now_s, phase.since_s)
            if now_s < end_s and phase.rps > 0:
                due_s = now_s + self._random.expovariate(phase.rps)
                if due_s < end_s:
                    return due_s
                now_s = end_s  # what is to come does not depend on how long nothing has
        return math.inf

    def _launch(self, *, due_s: float, at: float) -> None:
        route = self._random.choices(self._routes, self._weights)[0]
        path = route.path.replace("{n}", str(self._random.randint(1, _ORDERS)))
        if not self._ready or len(self._flying) >= _MOST_IN_FLIGHT:
            late_s = time.perf_counter() - due_s
            self._record(Answer(t=at, latency_s=late_s, sent_late_s=late_s, status=0, failed=True, route=route.path, pod=""))
            return
        self._turn += 1
        pod, ip = self._ready[self._turn % len(self._ready)]
        task = asyncio.create_task(self._ask(pod, ip, path, route=route, due_s=due_s, at=at))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    async def _ask(self, pod: str, ip: str, path: str, *, route: Route, due_s: float, at: float) -> None:  # noqa: PLR0913 - one request
        sent_late_s = time.perf_counter() - due_s
        status = 0
        try:
            # The time limit, too, runs from when the request was due.
            async with asyncio.timeout(max(0.0, self._timeout_s - sent_late_s)):
                async with self._session(ip).get(f"http://{ip}:{self._port}{path}") as response:
                    await response.read()
                    status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            _log.debug("%s of %s failed: %r", path, pod, error)
        latency_s = time.perf_counter() - due_s
        failed = status == 0 or status >= 500
        self._record(Answer(t=at, latency_s=latency_s, sent_late_s=sent_late_s, status=status, failed=failed, route=route.path, pod=pod))

    def _session(self, ip: str) -> aiohttp.ClientSession:
        if (session := self._sessions.get(ip)) is None:
            session = self._sessions[ip] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return session


async def _sleep(stop: asyncio.Event, *, until_s: float) -> None:
    """Sleep until an instant of the performance counter, and in a long sleep listen for *stop*."""
    left_s = until_s - time.perf_counter()
    if left_s > _LONGEST_NAP_S:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), None if math.isinf(left_s) else left_s)
    elif left_s > 0:
        await asyncio.sleep(left_s)


def _phase(text: str) -> Phase:
    since, _, rps = text.rpartition(":")
    return Phase(since_s=float(since or 0), rps=float(rps))


def _route(text: str) -> Route:
    weight, _, path = text.partition(":")
    return Route(weight=float(weight), path=path)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Send an open-loop load to pods; what each request took is one line of JSON.")
    parser.add_argument("--pod", action="append", default=[], metavar="NAME=IP", help="a pod to send to; or name a cluster:")
    parser.add_argument("--kubeconfig", type=Path)
    parser.add_argument("--namespace", default="shop")
    parser.add_argument("--selector", default="app=orders")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--rps", action="append", type=_phase, required=True, metavar="[SINCE:]RPS", help="requests per second, from then on"
    )
    parser.add_argument("--route", action="append", type=_route, required=True, metavar="WEIGHT:PATH")
    parser.add_argument("--out", type=Path, required=True, help="a file of JSON lines, which is appended to")
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if bool(options.pod) == bool(options.kubeconfig):
        parser.error("name either pods, by --pod NAME=IP, or a cluster, by --kubeconfig")
    return options


async def _main(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if options.kubeconfig:
        pods = ready_pods(options.kubeconfig, options.namespace, options.selector)
    else:
        pods = fixed_pods(dict(pod.split("=", 1) for pod in options.pod))
    with options.out.open("a", encoding="utf-8", buffering=1) as file:
        load = Load(pods, options.route, options.rps, lambda answer: file.write(answer.line()), port=options.port, seed=options.seed)
        await load.run(stop, options.seconds)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(_options()))
