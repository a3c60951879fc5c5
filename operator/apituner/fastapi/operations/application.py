"""The application log: what the API and its libraries log, each line with the ids of the request that it belongs to."""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apituner.fastapi.operations.lines import Clock, Format, cut, plain, quoted
from apituner.fastapi.operations.tracing import active_trace
from apituner.fastapi.requests.spans import current

# Loggers with handlers of their own beside the root's: those of the servers.
_SERVERS = ("uvicorn", "uvicorn.error", "gunicorn.error", "hypercorn.error", "_granian")

# What every record has: the rest was given by `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request_id", "trace_id", "color_message"}

# A shipper cuts lines at 16 KiB (containerd, Docker), and half an object is none.
_LONGEST = 16_000
# What is given beside the message: one value, and all together. Most of a line is for the message and the stack.
_LONGEST_VALUE, _LONGEST_GIVEN = 2_000, 4_000
_LONGEST_NAME = 200


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
        head = {"time": self._clock.at(record.created), "level": record.levelname, "logger": cut(record.name, _LONGEST_NAME)}
        ids = {name: quoted(value) for name in ("request_id", "trace_id") if (value := getattr(record, name, ""))}
        given = ids | _given({name: value for name, value in vars(record).items() if name not in _OWN})
        traces = _traces(record)
        room = _LONGEST - sum(len(name) + len(written) + 4 for name, written in (head | given).items())
        message = cut(record.getMessage(), room // (1 + len(traces)))
        room -= len(plain(message))
        # The end of a stack is where the error is.
        ends = {name: quoted(cut(trace, room // len(traces), end=True)) for name, trace in traces.items()}
        if self._as_json:
            fields = {name: quoted(value) for name, value in (head | {"message": message}).items()} | given | ends
            return f"{{{','.join(f'{quoted(name)}:{written}' for name, written in fields.items())}}}"
        words = " ".join(f"{plain(name)}={_unquoted(written)}" for name, written in (given | ends).items())
        return f"{' '.join(map(plain, head.values()))} {plain(message)} {words}".rstrip()


def _traces(record: logging.LogRecord) -> dict[str, str]:
    """Return the stacks of a record: that of its exception, and that of the place where it was logged."""
    exception = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info and record.exc_info[0] else ""
    return {name: trace for name, trace in (("exception", exception), ("stack", record.stack_info)) if trace}


def _given(values: Mapping[Any, object]) -> dict[str, str]:
    """Return as many of *values* as fit, as JSON has them."""
    room = _LONGEST_GIVEN
    given: dict[str, str] = {}
    for key, value in values.items():
        name, written = cut(str(key), _LONGEST_NAME), _written(value)
        room -= len(plain(name)) + len(written)
        if room < 0:
            break
        given[name] = written
    return given


def _written(value: object) -> str:
    """Return *value* as JSON has it; what JSON has not, and what is too long, as a text."""
    text = value
    try:
        if not isinstance(text, str):
            written = json.dumps(value, default=str, allow_nan=False)
            if len(written) <= _LONGEST_VALUE:
                return written
            text = written
    except Exception:  # noqa: BLE001 - whatever an object does when it is looked at, the line is written
        text = _told(value)
    return quoted(cut(text, _LONGEST_VALUE))


def _unquoted(written: str) -> str:
    return written[1:-1] if written.startswith('"') else written


def _told(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - likewise
        return f"<{type(value).__name__}>"


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
