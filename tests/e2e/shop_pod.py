"""
A pod that says it serves, as its settings let it: starved of connections below five, comfortable from five on.

The metrics are the instrumentation's own and the settings are the container's, so an operator that changes them sees the effect; only
the requests are made up, which spares the tests a load.
"""

import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from apituner.fastapi.measures.signals import Signals

RPS = 45
ENOUGH = 5
_TICK_S = 0.05


class Shop:
    """Forty-five requests a second, each with one connection for 40 ms; too few of these make requests wait."""

    def __init__(self, signals: Signals, *, pool: int, workers: int) -> None:
        self._signals = signals
        self._starved = pool < ENOUGH
        self._served = 0
        self._began_s = self._last_s = time.monotonic()
        signals.worker.workers.set(workers)
        signals.worker.complete.set(1)
        signals.worker.memory.labels("0").set(90 * 2**20)
        signals.pools.max.labels("shop").set(pool * workers)
        signals.pools.idle_max.labels("shop").set(pool * workers)
        signals.pools.timeouts.of("shop")

    def tick(self) -> None:
        """Serve what has become due."""
        now_s = time.monotonic()
        passed_s, self._last_s = now_s - self._last_s, now_s
        signals = self._signals
        signals.worker.cpu.of().add(0.2 * passed_s)
        signals.loop.cpu.of().add(0.15 * passed_s)
        signals.loop.delay.of().observe(0.002)
        due = int((now_s - self._began_s) * RPS)
        for _ in range(self._served, due):
            signals.requests.duration.of("GET", "/orders", "200").observe(0.45 if self._starved else 0.06)
            signals.pools.wait.of("shop").observe(0.38 if self._starved else 0.0)
            signals.pools.use.of("shop").observe(0.04)
            signals.pools.operation.of("postgresql").observe(0.035)
        signals.tallies.count()
        self._served = due


def main() -> None:
    """Serve until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    registry = CollectorRegistry()
    shop = Shop(Signals(registry), pool=int(os.environ.get("DB_POOL_SIZE", "2")), workers=int(os.environ.get("WEB_CONCURRENCY", "1")))

    class Scraped(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.end_headers()
            self.wfile.write(generate_latest(registry))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((os.environ["POD_IP"], 9464), Scraped)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        shop.tick()
        time.sleep(_TICK_S)


if __name__ == "__main__":
    main()
