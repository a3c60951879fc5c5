"""The bodies of httpx's responses, which tell when they are over: read to the end, broken off, closed, or never read at all."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx

Ended = Callable[[BaseException | None], None]
"""Who is told, once, that a body is over, and by which error."""

_NEVER_S = float("inf")


class Unread(Exception):  # noqa: N818 - nobody raises it
    """Nobody read the response to its end, or closed it."""


class _Body:
    """What both kinds share: whom to tell, and when it is too late; *deadline_s*, by ``time.perf_counter``, is looked at with each part."""

    def __init__(self, stream: Any, ended: Ended, deadline_s: float = _NEVER_S) -> None:  # noqa: ANN401 - either kind of stream
        self._stream = stream
        self._ended: Ended | None = ended
        self._deadline_s = deadline_s

    def end(self, error: BaseException | None) -> None:
        """Tell that it is over, unless that was done; a body within this one is told first, for it does not see our deadline."""
        if (ended := self._ended) is not None:
            self._ended = None
            if isinstance(self._stream, _Body):
                self._stream.end(error)
            ended(error)

    def _must_be_in_time(self) -> None:
        if time.perf_counter() > self._deadline_s:
            raise httpx.ReadTimeout("the body of the response came too slowly: give a longer read timeout to wait for it")

    def __del__(self) -> None:
        """
        Tell that it was thrown away.

        The garbage collector may come at any time, also while its thread holds any lock: who is told of this must take none.
        """
        self.end(Unread())


class AsyncBody(_Body, httpx.AsyncByteStream):
    """The body of a response to an async client."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Hand its parts on."""
        try:
            async for part in self._stream:
                self._must_be_in_time()
                yield part
        except GeneratorExit:  # the reader has enough
            raise
        except BaseException as error:
            self.end(error)
            raise
        self.end(None)

    async def aclose(self) -> None:
        """Close it."""
        self.end(None)
        await self._stream.aclose()


class SyncBody(_Body, httpx.SyncByteStream):
    """The body of a response to a sync client."""

    def __iter__(self) -> Iterator[bytes]:
        """Hand its parts on."""
        try:
            for part in self._stream:
                self._must_be_in_time()
                yield part
        except GeneratorExit:  # the reader has enough
            raise
        except BaseException as error:
            self.end(error)
            raise
        self.end(None)

    def close(self) -> None:
        """Close it."""
        self.end(None)
        self._stream.close()
