"""How a line of a log is written: what came from outside can neither end it nor forge another."""

import time
from json.encoder import encode_basestring_ascii as quoted
from typing import Literal

Format = Literal["json", "text"]
"""One JSON object a line, for machines; or words, for people."""

__all__ = ["Clock", "Format", "cut", "plain", "quoted"]


def plain(text: str) -> str:
    """Return *text* as it stands between quotes, with everything escaped that would not be seen."""
    return quoted(text)[1:-1]


def cut(text: str, longest: int, *, end: bool = False) -> str:
    """Return as much of the beginning of *text*, or of its *end*, as takes no more than *longest* characters when it is written."""
    text = text[max(0, len(text) - longest) :] if end else text[:longest]
    while (written := len(plain(text))) > longest:
        # What is escaped takes up to twelve times the place.
        kept = len(text) * longest // written
        text = text[len(text) - kept :] if end else text[:kept]
    return text


class Clock:
    """Writes times as RFC 3339 has them, in UTC; the date and the second are written once for all that lies within them."""

    def __init__(self) -> None:
        self._written = (-1, "")  # one value, for any thread may write another

    def at(self, epoch_s: float) -> str:
        """Return ``2026-11-24T10:00:00.123Z``."""
        second = int(epoch_s)
        known, written = self._written
        if second != known:
            written = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._written = second, written
        return f"{written}.{int((epoch_s - second) * 1000):03d}Z"
