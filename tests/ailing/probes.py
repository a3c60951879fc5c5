"""What a client feels of a stuck event loop, measured from outside: small requests at a steady pace, each by a free connection."""

import asyncio
import time
from urllib.parse import urlsplit

_EVERY_S = 0.01
# As many as may be waiting at once: a block of 300 ms.
_CONNECTIONS = 30


async def delays_s(url: str, path: str, *, seconds: float) -> list[float]:
    """Ask *path* every 10 ms for *seconds*, and return what each request took."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(_CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(host, port))

    async def probe(due_s: float) -> float:
        reader, writer = free.get_nowait()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
        free.put_nowait((reader, writer))
        return time.perf_counter() - due_s

    began_s = time.perf_counter()
    probes = []
    for count in range(int(seconds / _EVERY_S)):
        due_s = began_s + count * _EVERY_S
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        probes.append(asyncio.create_task(probe(due_s)))
    took = list(await asyncio.gather(*probes))
    while not free.empty():
        free.get_nowait()[1].close()
    return took
