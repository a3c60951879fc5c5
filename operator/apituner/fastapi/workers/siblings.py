"""How many processes of this pod are observed, as Linux tells it."""

import os
import socket

from apituner.fastapi.workers.forks import not_for_children

# More workers than this in one pod are not told apart from this many: "several" is all that matters.
_MOST_SLOTS = 64


class Siblings:
    """
    How many processes of this pod are instrumented: each holds an abstract socket of Linux, which the kernel frees when it dies.

    The name is within the pod's network, and carries the metrics' address, so that two containers of a pod are told apart.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._held: socket.socket | None = None
        self._lead: socket.socket | None = None
        self.place = 0
        """The number of the place that this process has; a successor takes it over."""

    def leads(self) -> bool:
        """Tell whether this process is the one that reports what is the container's; where there is none, from now on it is this one."""
        if self._lead is None and (lead := self._bind("lead")) is not None:
            self._lead = not_for_children(lead)
        return self._lead is not None

    def join(self) -> None:
        """Take the first free place, if the system has such sockets."""
        if self._held is not None:
            return
        for slot in range(_MOST_SLOTS):
            if (held := self._bind(slot)) is not None:
                self._held, self.place = not_for_children(held), slot
                return

    def leave(self) -> None:
        """Give the place back, and the lead."""
        for held in (self._held, self._lead):
            if held is not None:
                held.close()
        self._held = self._lead = None

    def count(self) -> int:
        """Count the places that are taken; where the system has none, as many as the environment asks for."""
        if self._held is None:
            text = os.environ.get("WEB_CONCURRENCY", "").strip()
            return int(text) if text.isdecimal() else 1
        return sum(self._is_taken(slot) for slot in range(_MOST_SLOTS))

    def _name(self, slot: int | str) -> str:
        return f"\0apituner/{self._address}/{slot}"

    def _bind(self, slot: int | str) -> socket.socket | None:
        place = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            place.bind(self._name(slot))
        except (OSError, ValueError):
            place.close()
            return None
        return place

    def _is_taken(self, slot: int) -> bool:
        # Not by binding it: whoever asked or joined at the same moment would take that for a process.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(self._name(slot))
            except OSError:
                return False
        return True
