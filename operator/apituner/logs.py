"""Structured logs: one line an entry, JSON or text, the fields of a decision beside its message."""

import logging
import sys
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

_FIELDS = ("namespace", "object", "kind", "reason", "because", "step")


class TextFormatter(logging.Formatter):
    """``time level logger message name=value ...``, for people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with those of our fields that the record carries."""
        said = " ".join(f"{name}={getattr(record, name)!r}" for name in _FIELDS if hasattr(record, name))
        line = super().format(record)
        return f"{line} {said}" if said else line


def log_to_stdout(style: Literal["json", "text"]) -> None:
    """Send all logs of the process to stdout in *style*; libraries speak up from WARNING on."""
    handler = logging.StreamHandler(sys.stdout)
    if style == "json":
        handler.setFormatter(
            JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields={"asctime": "time", "levelname": "level"})
        )
    else:
        handler.setFormatter(TextFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    logging.getLogger("apituner").setLevel(logging.INFO)
    # It warns that signals are not handled in its thread, at every start: they are handled in ours.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
