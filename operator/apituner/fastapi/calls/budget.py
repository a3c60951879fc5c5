"""
How many retries there may be: a share of the requests, so that a service in trouble gets at most a little more of them, never a multiple.

Without it two retries of each request make three times the load of what could not bear it once. A tenth of the requests is what the Google
SRE book gives a client for retries (chapter 21, "Handling Overload"); as in Finagle's RetryBudget, a small floor comes on top, for clients
that send little, and what is not used is kept for some 10 s.
"""

# Each request pays in this much of a retry.
RETRY_RATIO = 0.1

# Finagle's floor is 10 per second for a whole client; ours is for one process and one service, and there are some ten processes.
FLOOR_RPS = 1.0

# 10 s of the floor, which is how long Finagle keeps what is paid in.
MOST_SAVED = 10.0


class RetryBudget:
    """
    A bucket of retries: in any time of t seconds with n requests there are at most ``10 + n / 10 + t`` of them.

    *now_s* is by a clock that never goes back.
    """

    __slots__ = ("_at_s", "_saved")

    def __init__(self, *, now_s: float) -> None:
        self._saved = MOST_SAVED
        self._at_s = now_s

    def pay_in(self, *, now_s: float) -> None:
        """Take note of a request; retries are none."""
        self._saved = min(MOST_SAVED, self._saved_at(now_s) + RETRY_RATIO)

    def pay_out(self, *, now_s: float) -> bool:
        """Allow one retry, or not."""
        self._saved = self._saved_at(now_s)
        if self._saved < 1:
            return False
        self._saved -= 1
        return True

    def _saved_at(self, now_s: float) -> float:
        saved = min(MOST_SAVED, self._saved + (now_s - self._at_s) * FLOOR_RPS)
        self._at_s = now_s
        return saved
