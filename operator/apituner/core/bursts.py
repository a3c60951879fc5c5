"""How long a blocked loop stands still at a time: what the delay of its callbacks tells."""

from apituner.core.snapshot import Signal, Snapshot

# Inverting the law from the measured lag gave half of the true length: the mean is taken over ticks that saw no block at all.
_LAG_TELLS_HALF = 2.0


def burst_s(seen: Snapshot) -> float:
    """
    Return E[b^2] / E[b] of the times b for which a loop stood blocked; 0 where it did not, or where that is not known.

    A callback that becomes ready at any instant meets a block with the share of time that is blocked, and then waits for half of that
    length on average: lag = share * length / 2. How much of a block each request causes is measured apart (`ServiceDemand.blocked_s`); it
    says nothing of whether one request in twenty stops the loop for 200 ms or every one for 10.
    """
    blocked, lag_s = seen.get(Signal.LOOP_BLOCKED_RATIO), seen.get(Signal.LOOP_LAG_MEAN_S)
    if not blocked or lag_s is None:
        return 0.0
    return _LAG_TELLS_HALF * 2 * lag_s / blocked
