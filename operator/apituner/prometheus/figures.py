"""From figures to signals: one formula each. What is missing stays missing, and a mean of nothing is not zero. Pure."""

import math
from collections.abc import Callable, Mapping

from apituner.core.snapshot import Absence, Signal
from apituner.prometheus.series import Figure

Figures = Mapping[str, float | Absence]
"""By the figure's name: its value, or why there cannot be one."""
Formula = Callable[[Figures], float | Absence]


def read(figures: Figures, name: Figure) -> float | Absence:
    """Return the figure, if it is known and can be one: none of ours is ever negative."""
    value = figures.get(name, Absence.NO_SERIES)
    if isinstance(value, Absence):
        return value
    return value if math.isfinite(value) and value >= 0 else Absence.NOT_A_NUMBER


def plain(name: Figure) -> Formula:
    """Return the figure itself."""
    return lambda figures: read(figures, name)


def per(top: Figure, bottom: Figure) -> Formula:
    """Divide; by nothing, there was no traffic."""
    return lambda figures: divided(read(figures, top), read(figures, bottom))


def divided(top: float | Absence, bottom: float | Absence) -> float | Absence:
    """Divide two figures that may be absent."""
    if isinstance(bottom, Absence):
        return bottom
    if bottom == 0:
        return Absence.NO_TRAFFIC
    return top if isinstance(top, Absence) else top / bottom


def errors_ratio(figures: Figures) -> float | Absence:
    """Divide errors by requests; a status that never occurred has no series, which is the one zero that may be concluded."""
    errors = read(figures, Figure.ERRORS)
    share = divided(0.0 if errors is Absence.NO_SERIES else errors, read(figures, Figure.REQUESTS))
    return share if isinstance(share, Absence) else min(1.0, share)


def in_flight(figures: Figures) -> float | Absence:
    """Take off the scrape, where the API answers it itself: it is in flight whenever somebody looks."""
    found, scrapes = read(figures, Figure.IN_FLIGHT), read(figures, Figure.OWN_SCRAPES)
    return found if isinstance(found, Absence) or isinstance(scrapes, Absence) else max(0.0, found - scrapes)


def loop_blocked_ratio(figures: Figures) -> float | Absence:
    """Divide by the live workers: each has one loop. More than all of the time is a rounding of the scrapes."""
    share = divided(read(figures, Figure.LOOP_BLOCKED_SECONDS), read(figures, Figure.WORKERS))
    return share if isinstance(share, Absence) else min(1.0, share)


def loop_lag_p99(figures: Figures) -> float | Absence:
    """A loop that made no turn has no percentile: the quantile comes back as NaN."""
    return Absence.NO_TRAFFIC if figures.get(Figure.LOOP_TURNS) == 0 else read(figures, Figure.LOOP_LAG_P99)


def pool_overflow(figures: Figures) -> float | Absence:
    """Tell how many connections a pool may open beyond those it keeps."""
    most, kept = read(figures, Figure.POOL_MAX), read(figures, Figure.POOL_IDLE_MAX)
    if isinstance(most, Absence) or isinstance(kept, Absence):
        return most if isinstance(most, Absence) else kept
    return most - kept if most >= kept else Absence.NOT_A_NUMBER


_NOT_ASKED = (
    Signal.THROTTLED_RATIO,
    Signal.QUERIES_IN_SERIALIZATION_RATIO,
    Signal.EXTERNAL_RPS,
    Signal.EXTERNAL_MEAN_S,
    Signal.EXTERNAL_IN_TRANSACTION_RATIO,
    Signal.EXTERNAL_WITHOUT_TIMEOUT_RATIO,
    Signal.SERIALIZATION_MEAN_S,
    Signal.RESPONSE_MEAN_BYTES,
    Signal.BACKGROUND_MEAN_S,
    Signal.THREADPOOL_TOKENS,
    Signal.THREADPOOL_BORROWED,
    Signal.THREADPOOL_WAITING,
    Signal.POD_RSS_MAX_BYTES,
    Signal.RESTARTS_PER_HOUR,
    Signal.DB_CONNECTIONS,
    Signal.DB_ACTIVE,
    Signal.DB_CONNECTIONS_OTHERS,
    Signal.DB_MAX_CONNECTIONS,
    Signal.DB_RESERVED,
)
"""Signals that the brain knows and no query asks for yet."""

FORMULAS: Mapping[Signal, Formula] = {
    Signal.REQUESTS_RPS: plain(Figure.REQUESTS),
    Signal.ERRORS_RATIO: errors_ratio,
    Signal.IN_FLIGHT: in_flight,
    Signal.LATENCY_MEAN_S: per(Figure.REQUEST_SECONDS, Figure.REQUESTS),
    Signal.CPU_CORES: plain(Figure.CPU),
    Signal.LOOP_CPU_CORES: plain(Figure.LOOP_CPU),
    Signal.WORKER_CPU_MAX_RATIO: plain(Figure.WORKER_CPU_MAX),
    Signal.LOOP_LAG_MEAN_S: per(Figure.LOOP_LAG_SECONDS, Figure.LOOP_TURNS),
    Signal.LOOP_LAG_P99_S: loop_lag_p99,
    Signal.LOOP_BLOCKED_RATIO: loop_blocked_ratio,
    Signal.POOL_WAIT_MEAN_S: per(Figure.WAIT_SECONDS, Figure.WAITS),
    Signal.POOL_HOLD_MEAN_S: per(Figure.USE_SECONDS, Figure.USES),
    # Connections that were got and given back: waits that ended in a time-out are counted among the waits, not here.
    Signal.POOL_ACQUISITIONS_RPS: plain(Figure.USES),
    # Little's law: connections out = acquisitions per second x seconds held. A gauge that is scraped now and then misses the bursts.
    Signal.POOL_IN_USE: plain(Figure.USE_SECONDS),
    Signal.POOL_LIMIT: plain(Figure.POOL_MAX),
    Signal.POOL_OVERFLOW: pool_overflow,
    Signal.POOL_TIMEOUTS_RPS: plain(Figure.TIMEOUTS),
    Signal.QUERIES_RPS: plain(Figure.OPERATIONS),
    Signal.QUERY_MEAN_S: per(Figure.OPERATION_SECONDS, Figure.OPERATIONS),
    Signal.WORKERS_ALIVE: plain(Figure.WORKERS),
    Signal.WORKER_RSS_MAX_BYTES: plain(Figure.WORKER_RSS_MAX),
    **dict.fromkeys(_NOT_ASKED, lambda _figures: Absence.NOT_EXPORTED),
}
"""Every signal but those of the latency's distribution, which need the target's own objective."""
