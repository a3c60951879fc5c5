"""A pool's signals as they are exported, and a request that is under way, for the tests of each library's hooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from prometheus_client import CollectorRegistry

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.requests.spans import ENDING, HOLD, OPERATION, WAIT, current

_KINDS = {OPERATION: "statement", ENDING: "database", WAIT: "wait", HOLD: "hold"}


class Exported:
    """Signals of their own, and what is exported of the pool "main"."""

    def __init__(self) -> None:
        self.signals = Signals(CollectorRegistry())

    def read(self, name: str, **labels: str) -> float:
        """Read one series, after everything that was noted is counted; 0 where there is none."""
        self.signals.tallies.count()
        return self.signals.registry.get_sample_value(name, labels) or 0

    def pool(self, name: str, **labels: str) -> float:
        """Read a signal of the pool."""
        return self.read(f"db_client_connection_{name}", db_client_connection_pool_name="main", **labels)

    def statements(self, system: str = "postgresql") -> float:
        """How many statements were observed."""
        return self.read("db_client_operation_duration_seconds_count", db_system_name=system)


class Request:
    """A request that is under way: the part of an exchange that the libraries' hooks see."""

    def __init__(self) -> None:
        self.exchange = SimpleNamespace(spans=[], finished=False, building=False, held_late=self._held_late)
        self.late_s: list[float] = []

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Let what happens meanwhile be done for this request."""
        outer = current.set(self.exchange)  # type: ignore[arg-type]  # the part of it that is used
        try:
            yield
        finally:
            current.reset(outer)

    def begin_again(self) -> None:
        """Forget what it asked for."""
        self.exchange.spans.clear()

    def asked(self) -> list[str]:
        """What it asked for, in order."""
        return [_KINDS[kind] for kind, _, _ in self.exchange.spans]

    def seconds(self, what: str) -> float:
        """How long that took."""
        return float(sum(until_s - since_s for kind, since_s, until_s in self.exchange.spans if _KINDS[kind] == what))

    def _held_late(self, since_s: float, until_s: float) -> None:
        self.late_s.append(until_s - since_s)
