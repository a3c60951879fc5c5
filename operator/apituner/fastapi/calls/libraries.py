"""Which HTTP clients the application has imported; nothing is imported that it has not imported itself."""

import functools
import importlib
import logging
import sys
from collections.abc import Callable
from typing import Any

from apituner.fastapi.calls.hosts import HOSTS
from apituner.fastapi.calls.watch import CallWatch
from apituner.fastapi.measures.signals import Signals

_log = logging.getLogger("apituner.fastapi")


def _watch_httpx(_httpx: Any, watch: CallWatch) -> None:  # noqa: ANN401 - a module
    from apituner.fastapi.calls.httpx_transports import watch_transports  # noqa: PLC0415 - only where the application has it

    watch_transports(watch)


def _watch_aiohttp(aiohttp: Any, watch: CallWatch) -> None:  # noqa: ANN401 - a module
    from apituner.fastapi.calls.aiohttp_sessions import watch_sessions  # noqa: PLC0415 - only where the application has it

    watch_sessions(aiohttp, watch)


def _watch_urllib3(_urllib3: Any, watch: CallWatch) -> None:  # noqa: ANN401 - a module
    from apituner.fastapi.calls.urllib3_pools import watch_pools  # noqa: PLC0415 - only where the application has it

    watch_pools(watch)


class Calls:
    """The calls of this process to other services, by any library that it has imported by now."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._watch = CallWatch(signals)
        self._unwatched: dict[str, Callable[[Any, CallWatch], None]] = {
            "httpx": _watch_httpx,
            "aiohttp": _watch_aiohttp,
            "urllib3": _watch_urllib3,
        }
        HOSTS.signals = signals

    def count(self) -> None:
        """Count what was noted; a fault in that is ours, and no reason for a request to fail."""
        try:
            self._watch.count()
            HOSTS.count()
        except Exception:  # noqa: BLE001 - whatever is wrong with us must not become the API's fault
            _log.exception("could not take note of a call to another service")

    def look(self) -> None:
        """Begin to watch what was imported since the last look. From any thread."""
        for name in [name for name in self._unwatched if name in sys.modules]:
            begin = self._unwatched.pop(name, None)
            try:
                if begin is not None:
                    # It may be under way in another thread: this waits for it.
                    begin(importlib.import_module(name), self._watch)
            except Exception:  # noqa: BLE001 - a version that we do not know must not become the API's fault
                _log.exception("calls to other services by %s are not observed", name)

    def publish(self) -> None:
        """Look for libraries that were imported late, and set the gauges."""
        self.look()
        HOSTS.publish()


@functools.cache
def watch_calls(signals: Signals) -> Calls:
    """Return the one watch of this process, however many applications it has."""
    return Calls(signals)
