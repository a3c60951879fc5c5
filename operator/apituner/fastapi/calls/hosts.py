"""
What is known of each service that http_client() calls: its circuit breaker, and its budget for retries.

One for the whole process, so that a client for each request knows it, too. A service is a host with its port: where two run on one host,
the failures of one must not cut the other off.
"""

import threading
import time
from collections import OrderedDict, deque

from apituner.fastapi.calls.budget import RetryBudget
from apituner.fastapi.calls.watch import MOST_NOTED, drained
from apituner.fastapi.measures.signals import Signals

# In a row: where one attempt in twenty fails, that happens by chance once in three million, where half of them do, once in 32. Envoy's
# outlier detection and Finagle's failure accrual count the same.
FAILURES_TO_OPEN = 5

# As Hystrix had it. It can be that short since only one attempt at a time tries whether the service is back.
OPEN_S = 5.0

# A large API calls a dozen services. Beyond, the one that was not called for the longest is forgotten: its breaker closes.
MOST_SERVICES = 1000

CLOSED, HALF_OPEN, OPEN = 0, 1, 2

# What an attempt can come to.
SUCCESS = "success"
FAILURE = "failure"
REJECTED = "rejected"
UNKNOWN = "unknown"

# What else is noted.
_RETRIED, _DENIED = "retried", "denied"

_FAILED = Exception("an attempt failed")


class Hosts:
    """The services of this process; for any thread."""

    signals: Signals | None = None
    """Where to count; None where the application is not instrumented."""

    def __init__(self) -> None:
        self._services: OrderedDict[bytes, Service] = OrderedDict()
        self.noted: deque[tuple[str, str]] = deque(maxlen=MOST_NOTED)
        """What was done: the host, and the outcome of an attempt, or that there was a retry or none."""
        self._published: set[str] = set()
        self._lock = threading.Lock()

    def note(self, host: str, what: str) -> None:
        """Take note; without a lock, since the garbage collector may be the one that calls."""
        if self.signals is not None:
            self.noted.append((host, what))

    def count(self) -> None:
        """Count what was noted."""
        if (signals := self.signals) is None:
            return
        for host, what in drained(self.noted):
            label = signals.host_label.value(host)
            if what == _RETRIED:
                signals.calls.retries.of(label).add(1)
            elif what == _DENIED:
                signals.calls.denied_retries.of(label).add(1)
            else:
                signals.calls.attempts.of(label, what).add(1)

    def service(self, host: str, authority: bytes) -> "Service":
        """Return what is known of *authority*, the host with its port."""
        with self._lock:
            if (known := self._services.get(authority)) is not None:
                self._services.move_to_end(authority)
                return known
            made = self._services[authority] = Service(self, host)
            if len(self._services) > MOST_SERVICES:
                self._services.popitem(last=False)
            return made

    def publish(self) -> None:
        """Set the gauges, also of services that were forgotten."""
        if (signals := self.signals) is None:
            return
        worst = dict.fromkeys(self._published, CLOSED)
        with self._lock:
            services = list(self._services.values())
        for service in services:
            label = signals.host_label.value(service.host)
            worst[label] = max(worst.get(label, CLOSED), service.state)
        for label, state in worst.items():
            signals.calls.breaker_state.labels(label).set(state)
        self._published.update(worst)


HOSTS = Hosts()


class Service:
    """One service."""

    def __init__(self, hosts: Hosts, host: str) -> None:
        from purgatory import SyncCircuitBreakerFactory  # noqa: PLC0415 - only who uses the client needs it

        self.host = host
        self._hosts = hosts
        # The sync kind, also for async clients: its state is in memory, and nobody must be able to come between two steps.
        self._breaker = SyncCircuitBreakerFactory(FAILURES_TO_OPEN, OPEN_S).get_breaker(host)
        self._budget = RetryBudget(now_s=time.perf_counter())
        self._probed_until_s = 0.0
        self._lock = threading.Lock()

    @property
    def state(self) -> int:
        """CLOSED, HALF_OPEN or OPEN."""
        context = self._breaker.context
        if context.state == "closed":
            return CLOSED
        # The breaker notices that its time is over only when it is asked to let somebody through.
        opened_at = context.opened_at
        return HALF_OPEN if opened_at is None or time.time() > opened_at + OPEN_S else OPEN

    def begin(self) -> None:
        """Take note of a request, whatever number of attempts it may need."""
        with self._lock:
            self._budget.pay_in(now_s=time.perf_counter())

    def attempt(self) -> "Attempt | None":
        """
        Let an attempt through, or not.

        The breaker is not asked while it is open: it raises one exception again and again, which keeps every caller's frames alive.
        """
        with self._lock:
            state, now_s = self.state, time.perf_counter()
            if state == OPEN or (state == HALF_OPEN and now_s < self._probed_until_s):
                self._hosts.note(self.host, REJECTED)
                return None
            if state == HALF_OPEN:
                # One at a time: a service that hangs would else take everybody in. And not for ever, should this one never end.
                self._probed_until_s = now_s + OPEN_S
            self._breaker.__enter__()
            return Attempt(self, probes=state == HALF_OPEN)

    def retry(self) -> bool:
        """Allow a retry, or not: never while the breaker would not let it through."""
        if self.state != CLOSED:
            return False
        with self._lock:
            allowed = self._budget.pay_out(now_s=time.perf_counter())
        self._hosts.note(self.host, _RETRIED if allowed else _DENIED)
        return allowed

    def settle(self, outcome: str, *, probed: bool) -> None:
        """Tell the breaker what an attempt came to; one from before it opened says nothing of now."""
        if outcome in (SUCCESS, FAILURE):
            with self._lock:
                if probed or self._breaker.context.state == "closed":
                    self._breaker.__exit__(*((None, None, None) if outcome == SUCCESS else (Exception, _FAILED, None)))
        self._hosts.note(self.host, outcome)

    def let_probe(self) -> None:
        """Let the next attempt try whether the service is back."""
        self._probed_until_s = 0.0


class Attempt:
    """One attempt that was let through."""

    __slots__ = ("_probes", "_service", "_settled")

    def __init__(self, service: Service, *, probes: bool) -> None:
        self._service = service
        self._probes = probes
        self._settled = False

    def answered(self) -> None:
        """Take note of the head of a response that is no failure; its body decides, but others need not wait for that."""
        if self._probes:
            self._service.let_probe()

    def end(self, outcome: str) -> None:
        """Tell what it came to, unless that was done."""
        if not self._settled:
            self._settled = True
            self._service.settle(outcome, probed=self._probes)
            if self._probes:
                self._service.let_probe()
