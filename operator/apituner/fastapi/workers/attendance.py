"""
One application's part in the worker that runs it.

A process may make many applications: one that is mounted in another, a test suite's one for each test. It has one CPU clock, one metrics
port and for each event loop one sampler nevertheless.
"""

import asyncio
import logging
from collections.abc import Callable

from apituner.fastapi.operations.companion import Companion
from apituner.fastapi.settings import MetricsAddress
from apituner.fastapi.workers.pools import Pools
from apituner.fastapi.workers.worker import Worker

_log = logging.getLogger("apituner.fastapi")


class Attendance:
    """From the application's first scope on an event loop to the end of its lifespan, and as often as it is started."""

    def __init__(  # noqa: PLR0913 - what is called, and when
        self,
        worker: Worker,
        address: MetricsAddress,
        *,
        own_packages: Callable[[], frozenset[str]],
        on_tick: Callable[[], None],
        on_publish: Callable[[], None],
        companions: tuple[Companion, ...] = (),
    ) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        """The event loop on which it has begun last."""
        self.pools = Pools(worker.signals)
        self.own_packages = own_packages
        self.on_tick = on_tick
        self._worker = worker
        self._address = address
        self._on_publish = on_publish
        self._companions = companions
        self._begun = False

    @property
    def port(self) -> int | None:
        """The port on which the metrics of the process are served; None where it is not, or not yet."""
        return self._worker.port

    def attend(self) -> None:
        """Begin on the running event loop; what fails here fails for every request, so it is tried once."""
        self.loop = loop = asyncio.get_running_loop()
        try:
            self._worker.join(self, loop, self._address)
        except Exception:  # noqa: BLE001 - whatever is wrong with us must not become the API's fault
            _log.exception("this process is not observed, and serves")
            self.leave()
            self.loop = loop

    def leave(self) -> None:
        """End; the last one frees the port."""
        self._worker.leave(self)
        self.loop = None

    def begin(self) -> None:
        """Let begin what lives with the application."""
        if not self._begun:
            self._begun = True
            for companion in self._companions:
                companion.start()

    def end(self) -> None:
        """Let end what lives with the application: it runs on no event loop any more."""
        if self._begun:
            self._begun, self.loop = False, None
            self.pools.end_life()
            for companion in self._companions:
                companion.stop()

    def forget(self) -> None:
        """Know, in a child that was forked, that nothing has begun there."""
        self._begun, self.loop = False, None

    def publish(self) -> None:
        """Set the gauges of the application. From the watching thread."""
        self.pools.publish()
        self._on_publish()
