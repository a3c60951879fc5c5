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


def some(top: Figure, bottom: Figure) -> Formula:
    """
    Divide; what never occurred has no series, and beside *bottom*, which was told by the same exporter, that is nought.

    It is the one zero that may be concluded: where *bottom* is not told either, nothing is.
    """

    def formula(figures: Figures) -> float | Absence:
        found = read(figures, top)
        if found is Absence.NOT_EXPORTED:
            return found  # whatever the traffic
        return divided(0.0 if found is Absence.NO_SERIES else found, read(figures, bottom))

    return formula


def part(top: Figure, bottom: Figure) -> Formula:
    """Divide likewise; more than the whole is a rounding of the scrapes."""
    ratio = some(top, bottom)

    def formula(figures: Figures) -> float | Absence:
        found = ratio(figures)
        return found if isinstance(found, Absence) else min(1.0, found)

    return formula


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


OF_THE_DATABASE = (
    Signal.DB_CONNECTIONS,
    Signal.DB_ACTIVE,
    Signal.DB_CONNECTIONS_OTHERS,
    Signal.DB_MAX_CONNECTIONS,
    Signal.DB_RESERVED,
)
"""The exporter of a database is no exporter of an API: which one it is, a ConnectionBudget would have to say, and has no word for yet."""

FORMULAS: Mapping[Signal, Formula] = {
    Signal.REQUESTS_RPS: plain(Figure.REQUESTS),
    Signal.ERRORS_RATIO: part(Figure.ERRORS, Figure.REQUESTS),
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
    Signal.THROTTLED_RATIO: part(Figure.THROTTLED_PERIODS, Figure.CPU_PERIODS),
    Signal.QUERIES_IN_SERIALIZATION_RATIO: part(Figure.BUILDING_OPERATIONS, Figure.OPERATIONS),
    Signal.EXTERNAL_RPS: plain(Figure.CALLS),
    Signal.EXTERNAL_MEAN_S: per(Figure.CALL_SECONDS, Figure.CALLS),
    Signal.EXTERNAL_IN_TRANSACTION_RATIO: part(Figure.HOLDING_CALL_SECONDS, Figure.CALL_SECONDS),
    Signal.EXTERNAL_WITHOUT_TIMEOUT_RATIO: part(Figure.UNLIMITED_CALLS, Figure.CALLS),
    Signal.SERIALIZATION_MEAN_S: some(Figure.SERIALIZATION_SECONDS, Figure.REQUESTS),
    Signal.RESPONSE_MEAN_BYTES: some(Figure.RESPONSE_BYTES, Figure.REQUESTS),
    Signal.BACKGROUND_MEAN_S: some(Figure.BACKGROUND_SECONDS, Figure.REQUESTS),
    Signal.THREADPOOL_TOKENS: plain(Figure.THREADS),
    Signal.THREADPOOL_BORROWED: plain(Figure.THREADS_TAKEN),
    Signal.THREADPOOL_WAITING: plain(Figure.THREADS_AWAITED),
    Signal.POD_RSS_MAX_BYTES: plain(Figure.POD_RSS_MAX),
    Signal.RESTARTS_PER_HOUR: plain(Figure.RESTARTS),
    **dict.fromkeys(OF_THE_DATABASE, lambda _figures: Absence.NOT_EXPORTED),
}
"""Every signal but those of the latency's distribution, which need the target's own objective."""
