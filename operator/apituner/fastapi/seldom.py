"""How often the same thing is said: a fault that lasts must not fill the log."""

from collections.abc import Hashable


class Seldom:
    """Lets each thing be said once in *every_s* seconds, and at most *most* different things in that time."""

    def __init__(self, *, every_s: float, most: int = 20) -> None:
        self._every_s = every_s
        self._most = most
        self._said_s: dict[Hashable, float] = {}

    def due(self, what: Hashable, now_s: float) -> bool:
        """Tell whether *what* may be said at *now_s*, by any clock that only goes forward; if so, it counts as said."""
        self._said_s = {known: at_s for known, at_s in self._said_s.items() if now_s - at_s < self._every_s}
        if what in self._said_s or len(self._said_s) >= self._most:
            return False
        self._said_s[what] = now_s
        return True
