"""The application log: what the API and its libraries log, each line with the ids of the request that it belongs to."""

import json
import logging
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apituner.fastapi.operations.lines import Clock, Format, plain
from apituner.fastapi.operations.tracing import active_trace
from apituner.fastapi.requests.spans import current

# Loggers with handlers of their own beside the root's: those of the servers.
_SERVERS = ("uvicorn", "uvicorn.error", "gunicorn.error", "hypercorn.error", "_granian")

# What every record has: the rest was given by `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request_id", "trace_id", "color_message"}

# A shipper cuts lines at 16 KiB (containerd, Docker); a stack of several hundred frames fits.
_LONGEST = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationLog:
    """
    Write what is logged to the standard error, each line with ``request_id`` and ``trace_id``.

    Stream handlers that the application or its server has set up keep their streams and levels and get this format; where the root has no
    handler it gets one, and *level*.
    """

    format: Format = "json"
    level: int = logging.INFO


class ApplicationWriter:
    """Sets the application log up, once in a process."""

    def __init__(self, log: ApplicationLog) -> None:
        self._log = log

    def start(self) -> None:
        """Begin; what was logged before went where it went."""
        stamp_records()
        formatter = LineFormatter(as_json=self._log.format == "json")
        root = logging.getLogger()
        if not root.handlers:
            root.addHandler(logging.StreamHandler(sys.stderr))
            root.setLevel(self._log.level)
        for logger in (root, *map(logging.getLogger, _SERVERS)):
            for handler in logger.handlers:
                if isinstance(handler, logging.StreamHandler):
                    handler.setFormatter(formatter)

    def stop(self) -> None:
        """Leave it as it is: what is logged at the end belongs there, too."""


class LineFormatter(logging.Formatter):
    """One line a record, whatever is in it."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json
        self._clock = Clock()

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; fields given by ``extra`` stand beside its own."""
        given = {name: value for name, value in vars(record).items() if name not in _OWN}
        ids = {name: value for name in ("request_id", "trace_id") if (value := getattr(record, name, ""))}
        exception = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info and record.exc_info[0] else ""
        head = {"time": self._clock.at(record.created), "level": record.levelname, "logger": record.name}
        if self._as_json:
            fields = head | {"message": record.getMessage()[:_LONGEST]} | ids | given
            if exception:
                fields["exception"] = exception[-_LONGEST:]
            return json.dumps(fields, default=str)
        words = " ".join(f"{name}={plain(str(value))}" for name, value in (ids | given).items())
        line = f"{' '.join(head.values())} {plain(record.getMessage())[:_LONGEST]} {words}".rstrip()
        return f"{line} exception={plain(exception)[-_LONGEST:]}" if exception else line


def stamp_records() -> None:
    """Give every record that is made from now on the ids of its request, so that any formatter of any handler has them."""
    make: Callable[..., logging.LogRecord] = logging.getLogRecordFactory()
    if getattr(make, "stamps_ids", False):
        return

    def stamped(*args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401 - as the standard library's
        record = make(*args, **kwargs)
        exchange = current.get()
        record.request_id = "" if exchange is None else exchange.request_id
        record.trace_id = active_trace() or ("" if exchange is None else exchange.trace_id)
        return record

    stamped.stamps_ids = True  # type: ignore[attr-defined]  # a mark, so that it is done once
    logging.setLogRecordFactory(stamped)
