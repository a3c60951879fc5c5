"""When a request is sent again: two times at most, after a pause, and as far as the budget of its service allows."""

import httpx
from httpx_retries import Retry

from apituner.fastapi.calls.hosts import Service

# "A per-request retry budget of up to three attempts" (Google SRE book, chapter 21).
MOST_RETRIES = 2

# Doubled with each retry and drawn from 0 on, "full jitter": up to 0.2 s before the first, up to 0.4 s before the second.
_BACKOFF_S = 0.1

# A service that wants a longer pause is not asked again: whoever waits for us would rather know.
LONGEST_PAUSE_S = 5.0


class BudgetedRetry(Retry):
    """The retries of one request; of time-outs, broken connections, 429, 502, 503 and 504, where its method may be repeated (RFC 9110)."""

    def __init__(self, service: Service, *, repeatable: bool) -> None:
        super().__init__(total=MOST_RETRIES, backoff_factor=_BACKOFF_S, max_backoff_wait=LONGEST_PAUSE_S)
        self.service = service
        self._repeatable = repeatable
        self.retry_after = ""
        """What the last response had in its header of that name."""

    def is_retryable_method(self, method: str) -> bool:
        """Whether it may be repeated; a body that is a stream is gone."""
        return self._repeatable and super().is_retryable_method(method)

    def is_retryable_status_code(self, status_code: int) -> bool:
        """Whether to retry now; asked once for each response, after it was seen that retries are left."""
        return super().is_retryable_status_code(status_code) and self._pause_is_bearable() and self.service.retry()

    def is_retryable_exception(self, exception: Exception) -> bool:
        """Whether to retry now; where all connections of the client are in use, more requests for one do not help."""
        return not isinstance(exception, httpx.PoolTimeout) and super().is_retryable_exception(exception) and self.service.retry()

    def increment(self) -> "BudgetedRetry":
        """Go on to the next attempt; it is of one request alone, so nobody else counts by it."""
        self.attempts_made += 1
        return self

    def _pause_is_bearable(self) -> bool:
        try:
            return not self.retry_after or self.parse_retry_after(self.retry_after) <= LONGEST_PAUSE_S
        except ValueError:
            return True
