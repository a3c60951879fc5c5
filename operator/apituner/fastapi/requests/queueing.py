"""How long a request waited before the API saw it, by the proxy's word."""

from collections.abc import Iterable

# Machines that keep their time by NTP are nearer to each other than this, and no proxy holds a request for longer than that.
_CLOCK_SKEW_S = 1.0
_LONGEST_QUEUE_S = 600.0


def queue_time_s(headers: Iterable[tuple[bytes, bytes]], now: float) -> float | None:
    """
    Return how long before *now* (since the epoch) the proxy took the request in, by its X-Request-Start; None without one that makes sense.

    Proxies write ``t=`` or nothing before it, and seconds, milliseconds or microseconds: of these only one is a time of our age.
    """
    for name, value in headers:
        if name == b"x-request-start":
            try:
                start = float(value.removeprefix(b"t="))
            except ValueError:
                return None
            for unit in (1.0, 1e3, 1e6):
                # Clocks of two machines differ by a little: slightly in the future is now.
                if -_CLOCK_SKEW_S <= (queued_s := now - start / unit) <= _LONGEST_QUEUE_S:
                    return max(0.0, queued_s)
            return None
    return None
