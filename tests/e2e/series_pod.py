"""
A pod that says it serves: the real metrics of the instrumentation, with rates that are known exactly.

Every figure is of one pod. The file ``<POD_NAME>.silent`` in SERIES_FOLDER makes its scrapes fail.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest

from apituner.fastapi.measures.signals import Signals

PORT = 9464
TICK_S = 0.05


class Story:
    """Counts up as if an API were busy; what is due is counted from the start, so that a late tick loses nothing."""

    def __init__(self, signals: Signals, *, busy: bool) -> None:
        self._signals = signals
        self._busy = busy
        self._done: dict[str, int] = {}
        self._started_s = time.monotonic()
        self._last_s = self._started_s
        signals.worker.workers.set(2)
        signals.worker.complete.set(0 if os.environ.get("SERIES_INCOMPLETE") else 1)
        signals.requests.active.labels("GET").set(3)
        signals.worker.cpu_max.set(0.55)
        signals.worker.memory.labels("0").set(100 * 2**20)
        signals.worker.memory.labels("1").set(60 * 2**20)
        signals.worker.threads.labels("total").set(80)
        signals.worker.threads.labels("borrowed").set(6)
        signals.worker.threads_waiting.set(1)
        signals.pools.max.labels("orders").set(6)
        signals.pools.idle_max.labels("orders").set(4)
        self._ok = signals.requests.duration.of("GET", "/orders", "200")

    def tick(self) -> None:
        """Catch up with the clock."""
        self._catch_up()
        self._signals.tallies.count()

    def _catch_up(self) -> None:
        now_s = time.monotonic()
        passed_s, self._last_s = now_s - self._last_s, now_s
        signals = self._signals
        signals.worker.cpu.of().add(0.5 * passed_s)
        signals.loop.cpu.of().add(0.4 * passed_s)
        signals.loop.blocked.of().add(0.1 * passed_s)
        signals.loop.held.of("/orders", "pay", "blocked").add(0.08 * passed_s)
        # Six more routes, of which the four that block most are told.
        for number in range(1, 7):
            signals.loop.held.of(f"/{number}", "wait", "blocked").add(0.001 * number * passed_s)
        signals.worker.cgroup_periods.of().add(10 * passed_s)
        signals.worker.cgroup_throttled_periods.of().add(2 * passed_s)
        self._observe("turns", 20, lambda _: signals.loop.delay.of().observe(0.002))
        if not self._busy:
            return
        failed = signals.requests.duration.of("GET", "/orders", "500")
        self._observe("requests", 40, lambda count: (failed if count % 20 == 0 else self._ok).observe(0.4 if count % 10 == 0 else 0.08))
        self._observe("waits", 10, lambda _: signals.pools.wait.of("orders").observe(0.03))
        self._observe("uses", 10, lambda _: signals.pools.use.of("orders").observe(0.2))
        self._observe("operations", 40, lambda _: signals.pools.operation.of("postgresql").observe(0.004))
        signals.pools.timeouts.of("orders").add(0.5 * passed_s)
        self._observe("responses", 40, self._respond)
        self._observe("queries", 40, lambda _: signals.routes.operations.of("/orders").observe(2))
        routes = signals.routes
        routes.building_operations.of("/orders").add(4 * passed_s)
        routes.background_s.of("/orders").add(0.4 * passed_s)
        routes.calls.of("/orders").add(10 * passed_s)
        routes.call_s.of("/orders").add(3 * passed_s)
        routes.holding_call_s.of("/orders").add(1.2 * passed_s)
        routes.unlimited_calls.of("/orders", "payments").add(2 * passed_s)

    def _respond(self, _: int) -> None:
        self._signals.requests.serialization.of("/orders").observe(0.005)
        self._signals.requests.body.of("/orders").observe(2048)

    def _observe(self, name: str, per_second: float, observe: Callable[[int], None]) -> None:
        due = int((self._last_s - self._started_s) * per_second)
        for count in range(self._done.get(name, 0), due):
            observe(count)
        self._done[name] = due


def main() -> None:
    """Serve until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    registry = CollectorRegistry()
    # As kube-state-metrics tells of every container.
    Counter("kube_pod_container_status_restarts", "Restarts of a container.", registry=registry)
    story = Story(Signals(registry), busy=not os.environ.get("SERIES_IDLE"))
    silent = Path(os.environ["SERIES_FOLDER"], f"{os.environ['POD_NAME']}.silent")

    class Scraped(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if silent.exists() else 200)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.end_headers()
            self.wfile.write(generate_latest(registry))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((os.environ["POD_IP"], PORT), Scraped)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        story.tick()
        time.sleep(TICK_S)


if __name__ == "__main__":
    main()
