"""What a client feels, measured from outside with as little of its own as possible: requests over connections that are open before."""

import asyncio
import time
from urllib.parse import urlsplit

_EVERY_S = 0.01
# As many as may be waiting at once: a block of 300 ms.
_CONNECTIONS = 30


class _Connection:
    """One connection, with at most one request on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    async def ask(self, path: str, *, since_s: float) -> float:
        """Send one request, and return the seconds from *since_s* to the last byte of its answer."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await self._reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
        return time.perf_counter() - since_s

    def close(self) -> None:
        """Close it."""
        self._writer.close()


async def _connected(url: str, count: int) -> list[_Connection]:
    host, port = urlsplit(url).hostname, urlsplit(url).port
    return [_Connection(*await asyncio.open_connection(host, port), host=str(host)) for _ in range(count)]


async def crowd_s(url: str, path: str, *, at_once: int) -> list[float]:
    """Ask *path* so many times at once, and return what each request took."""
    connections = await _connected(url, at_once)
    now_s = time.perf_counter()
    took_s = list(await asyncio.gather(*(connection.ask(path, since_s=now_s) for connection in connections)))
    for connection in connections:
        connection.close()
    return took_s


async def delays_s(url: str, path: str, *, seconds: float) -> list[float]:
    """Ask *path* every 10 ms for *seconds*, and return what each request took."""
    free = await _connected(url, _CONNECTIONS)

    async def probe(connection: _Connection, due_s: float) -> float:
        took_s = await connection.ask(path, since_s=due_s)
        free.append(connection)
        return took_s

    began_s = time.perf_counter()
    probes = []
    for count in range(int(seconds / _EVERY_S)):
        due_s = began_s + count * _EVERY_S
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        probes.append(asyncio.create_task(probe(free.pop(0), due_s)))
    took_s = list(await asyncio.gather(*probes))
    for connection in free:
        connection.close()
    return took_s
