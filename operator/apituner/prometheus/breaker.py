"""A circuit breaker: after failures in a row, rest; then let one call through to see."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Breaker:
    """
    Opens after *failures_to_open* failures in a row; while open, one call each *rest_s* seconds goes through.

    Not frozen: it is the memory of a connection. Three failures: one may be a restart, two a slow one. It spares a struggling server and
    our threads; a refused connection costs nothing, so the rest is not much longer than one sweep of 15 s and recovery is not missed.
    """

    failures_to_open: int = 3
    rest_s: float = 20.0
    failures: int = 0
    opened_at_s: float | None = None

    @property
    def open(self) -> bool:
        """Whether calls are held back, but for the one that tries."""
        return self.opened_at_s is not None

    def lets_through(self, now_s: float) -> bool:
        """Whether a call may go out now; asking takes the one try of this rest."""
        if self.opened_at_s is None:
            return True
        if now_s < self.opened_at_s + self.rest_s:
            return False
        self.opened_at_s = now_s
        return True

    def succeeded(self) -> None:
        """Forget all failures."""
        self.failures = 0
        self.opened_at_s = None

    def failed(self, now_s: float) -> None:
        """Count one more failure in a row."""
        self.failures += 1
        if self.failures >= self.failures_to_open:
            self.opened_at_s = now_s
