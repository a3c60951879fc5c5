"""How late the event loop was, and what it or its thread did meanwhile."""

from apituner.fastapi.measures.buckets import DELAY_S, PAUSE_S
from apituner.fastapi.measures.tallies import Tallies


class LoopSignals:
    """The metrics of the event loop; named after nodejs.eventloop.*, as no convention names asyncio's."""

    def __init__(self, tallies: Tallies) -> None:
        self.delay = tallies.histogram(
            "asyncio_eventloop_delay_seconds",
            "How late the event loop comes to what is due; one value for every 50 ms, also for those in which it was stuck.",
            (),
            DELAY_S,
        )
        self.delay_max = tallies.most_gauge("asyncio_eventloop_delay_max_seconds", "The largest delay of the last 30 to 60 s.")
        self.cpu = tallies.counter("asyncio_eventloop_cpu_seconds_total", "CPU time of the event loop's thread.")
        self.blocked = tallies.counter(
            "apituning_eventloop_blocked_seconds_total",
            "Time in which the event loop stood still for more than 50 ms and its thread neither used the CPU nor waited for one.",
        )
        self.held = tallies.counter(
            "apituning_eventloop_held_seconds_total",
            "Time in which the event loop stood still for more than 50 ms, by the route and the function that held it, "
            "and by whether its thread was blocked or running.",
            ("http_route", "code_function_name", "state"),
        )
        self.runqueue_wait = tallies.counter(
            "apituning_runqueue_wait_seconds_total", "Time in which the event loop's thread was ready to run and had no CPU."
        )
        self.gc_pause = tallies.histogram(
            "cpython_gc_pause_seconds", "For how long a garbage collection stopped all threads.", ("generation",), PAUSE_S
        )
