"""What lives as long as the worker process serves."""

from typing import Protocol


class Companion(Protocol):
    """Something that begins when the process begins to serve, and ends with it."""

    def start(self) -> None:
        """Begin; on the event loop's thread, before the first request."""

    def stop(self) -> None:
        """End."""
