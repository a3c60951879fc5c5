"""How a line of a log is written: what came from outside can neither end it nor forge another."""

import time
from json.encoder import encode_basestring_ascii as quoted
from typing import Literal

Format = Literal["json", "text"]
"""One JSON object a line, for machines; or words, for people."""

__all__ = ["Clock", "Format", "plain", "quoted"]


def plain(text: str) -> str:
    """Return *text* as it stands between quotes, with everything escaped that would not be seen."""
    return quoted(text)[1:-1]


class Clock:
    """Writes times as RFC 3339 has them, in UTC; the date and the second are written once for all that lies within them."""

    def __init__(self) -> None:
        self._second = -1
        self._written = ""

    def at(self, epoch_s: float) -> str:
        """Return ``2026-11-24T10:00:00.123Z``."""
        second = int(epoch_s)
        if second != self._second:
            self._second, self._written = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._written}.{int((epoch_s - second) * 1000):03d}Z"
