"""
How the servers are asked: sixteen clients in a closed loop, one server after the other in short turns.

The speed of a shared machine changes from second to second, by a third and more. Turns of 50 ms in random order see the same machine, so
their ratios can be compared where their figures cannot.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.contestants import Contestant

CLIENTS = 16
_TURN_S = 0.05
_REST_S = 0.005
# As Prometheus does every few seconds: within a turn, so that it costs whoever is scraped.
_SCRAPE_EVERY_TURNS = 60


@dataclass(slots=True)
class Score:
    """The turns of one server at one route."""

    requests_per_s: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    """CPU time of the server for each request."""
    latencies_s: list[float] = field(default_factory=list)


Scores = dict[tuple[str, str], Score]
"""By the server's name and the route."""


class _Client(asyncio.Protocol):
    """One connection, with at most one request on it."""

    def __init__(self, crew: "_Crew") -> None:
        self._crew = crew
        self._asked_s = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self) -> None:
        """Send one request."""
        assert self._transport is not None
        self._asked_s = time.perf_counter()
        self._transport.write(self._crew.request)

    def data_received(self, data: bytes) -> None:
        """Take an answer, or its first half: uvicorn writes the head and the body apart."""
        if not data.endswith(b"}"):
            if not data.startswith(b"HTTP/1.1 200"):
                self._crew.over.set_exception(RuntimeError(f"answered {data[:80]!r}"))
            return
        now_s = time.perf_counter()
        self._crew.latencies_s.append(now_s - self._asked_s)
        if now_s < self._crew.until_s:
            self.ask()
        else:
            self._crew.stop(now_s)


class _Crew:
    """All clients of one server at one route."""

    def __init__(self, contestant: Contestant, route: str) -> None:
        self.contestant = contestant
        head = f"GET {route} HTTP/1.1\r\nHost: 127.0.0.1:{contestant.port}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
        self.request = head.encode()
        self.latencies_s: list[float] = []
        self.until_s = 0.0
        self.over: asyncio.Future[float]
        self._clients: list[_Client] = []
        self._asking = 0

    async def connect(self) -> None:
        """Open the connections, and warm the server up."""
        loop = asyncio.get_running_loop()
        for _ in range(CLIENTS):
            self._clients.append((await loop.create_connection(lambda: _Client(self), "127.0.0.1", self.contestant.port))[1])
        await self.turn(Score(), seconds=0.5)

    async def turn(self, score: Score, *, seconds: float = _TURN_S) -> None:
        """Ask for *seconds*, and until the last answer is there."""
        self.over = asyncio.get_running_loop().create_future()
        self.latencies_s = score.latencies_s
        before, began_cpu_s, began_s = len(self.latencies_s), self.contestant.cpu_s(), time.perf_counter()
        self.until_s, self._asking = began_s + seconds, CLIENTS
        for client in self._clients:
            client.ask()
        ended_s = await self.over
        answered = len(self.latencies_s) - before
        score.requests_per_s.append(answered / (ended_s - began_s))
        score.cpu_us.append((self.contestant.cpu_s() - began_cpu_s) / answered * 1e6)

    def stop(self, now_s: float) -> None:
        """One client has its last answer."""
        self._asking -= 1
        if not self._asking:
            self.over.set_result(now_s)


async def play(contestants: Sequence[Contestant], routes: Sequence[str], *, rounds: int) -> Scores:
    """Give every server so many turns at every route."""
    dice = random.Random(7)  # noqa: S311 - an order, not a secret
    crews = {(one.name, route): _Crew(one, route) for one in contestants for route in routes}
    for crew in crews.values():
        await crew.connect()
    scores: Scores = defaultdict(Score)
    for count in range(rounds):
        for route in routes:
            for contestant in dice.sample(contestants, len(contestants)):
                scraping = [_scrape(contestant)] if count % _SCRAPE_EVERY_TURNS == 0 and contestant.scrape_url else []
                await asyncio.gather(crews[contestant.name, route].turn(scores[contestant.name, route]), *scraping)
                await asyncio.sleep(_REST_S)
    return dict(scores)


async def _scrape(contestant: Contestant) -> None:
    assert contestant.scrape_url is not None
    host, _, path = contestant.scrape_url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    writer.write(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    await reader.read()
    writer.close()
