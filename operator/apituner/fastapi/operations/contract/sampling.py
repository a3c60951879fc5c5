"""Which responses are checked. This runs on the event loop, for every request: most of it is one random number and one look-up."""

import random
import time
from collections.abc import Callable

from apituner.fastapi.requests.exchange import Exchange, Message, Scope

# So that also a route that is asked for twice a day is seen each time, and a busy one not for that reason.
_EVERY_S = 60.0

# More routes and statuses than any API has; an app that makes endpoints while it runs must not fill the memory.
_MOST_KNOWN = 10_000


class Sample(list[bytes]):
    """The parts of the body of one response, and what its start said. A body that is too long is let go, and one that is no JSON."""

    __slots__ = ("_left_bytes", "content_encoding", "content_type", "status")

    def __init__(self, start: Message, largest_bytes: int) -> None:
        super().__init__()
        self.status = int(start["status"])
        given = start.get("headers", ())
        if not isinstance(given, list | tuple):
            # ASGI allows what can be read once, and the server has to read it, too.
            start["headers"] = given = list(given)
        headers = {bytes(name).lower(): bytes(value).decode("latin-1") for name, value in given}
        self.content_type = headers.get(b"content-type", "")
        self.content_encoding = headers.get(b"content-encoding", "")
        length = headers.get(b"content-length", "")
        known_too_long = length.isdecimal() and int(length) > largest_bytes
        self._left_bytes = -1 if known_too_long or "json" not in self.content_type.lower() else largest_bytes

    @property
    def let_go(self) -> bool:
        """Whether the body is not kept."""
        return self._left_bytes < 0

    def append(self, part: bytes) -> None:
        """Keep a part."""
        if self.let_go:
            return
        self._left_bytes -= len(part)
        if self.let_go:
            self.clear()
        else:
            super().append(part)


class Sampler:
    """Chooses by chance, and of each endpoint and status one a minute. For one event loop's thread."""

    def __init__(
        self,
        *,
        share: float,
        largest_bytes: int,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._share = share
        self._largest_bytes = largest_bytes
        self._clock = clock
        self._chance = chance
        self._due_s: dict[tuple[int, int], float] = {}
        self._look = self.look
        self.active = True
        """Whether there is anything to check by."""

    def begin(self, exchange: Exchange) -> None:
        """Take note of a request that begins."""
        if self.active:
            exchange.look = self._look

    def look(self, scope: Scope, start: Message) -> Sample | None:
        """Choose, by the start of a response; None where it is not chosen."""
        try:
            # The router has found the endpoint by now; the routes keep it alive, and with it its id.
            known = id(scope.get("endpoint")), start["status"]
            now_s = self._clock()
            if now_s < self._due_s.get(known, now_s) and self._chance() >= self._share:
                return None
            if len(self._due_s) >= _MOST_KNOWN:
                self._due_s.clear()
            self._due_s[known] = now_s + _EVERY_S
            return Sample(start, self._largest_bytes)
        except Exception:  # noqa: BLE001 - headers may be anything; whether the server takes them is for the server to say
            return None
