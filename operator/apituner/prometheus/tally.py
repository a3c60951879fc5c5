"""What the operator's own telemetry tells about a source."""

from collections import Counter
from dataclasses import dataclass, field

SUCCESS = "Success"


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts since the start of the process. Not frozen: a counter counts."""

    queries: Counter[str] = field(default_factory=Counter)
    """By outcome: Success, or the name of the fault's class."""
    seconds: float = 0.0
    """The time that all queries took together."""
    last_success_at: float | None = None
    """Unix time; None until the first."""

    def add(self, outcome: str, *, seconds: float, at: float) -> None:
        """Count one query that ended at the Unix time *at*."""
        self.queries[outcome] += 1
        self.seconds += seconds
        if outcome == SUCCESS:
            self.last_success_at = at
