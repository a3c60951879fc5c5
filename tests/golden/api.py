"""What one API costs and suffers: its demands, its load, its database, its memory."""

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database: how long a statement takes when *at_once* run, by the universal scalability law."""

    query_s: float = 0.010
    contention: float = 0.01
    coherency: float = 0.0002
    limit: int = 100
    reserved: int = 10

    def takes_s(self, at_once: float) -> float:
        """Return the time of one statement."""
        more = max(0.0, at_once - 1)
        return self.query_s * (1 + self.contention * more + self.coherency * at_once * more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One API under load."""

    rps: float = 90.0
    cpu_s: float = 0.004
    """CPU of one request, nearly all of it on the loop."""
    queries: float = 2.0
    """Statements of one request, within one transaction."""
    hold_extra_s: float = 0.016
    """What a transaction holds its connection for besides its statements."""
    external_s: float = 0.0
    blocking_share: float = 0.0
    """The share of requests that hold the loop without using CPU."""
    blocking_s: float = 0.2
    worker_bytes: float = 90 * MIB
    pod_bytes: float = 60 * MIB
    database: Database = Database()
    others_connections: int = 0
    """What other APIs hold of the same database."""

    def busy_s(self) -> float:
        """Return the time for which one request keeps the loop from others."""
        return self.cpu_s + self.blocking_share * self.blocking_s
