"""A number of workers given on the container's command line: it wins over the environment, so setting the variable would do nothing."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

_SHORT_FLAG_SERVERS = frozenset({"gunicorn", "hypercorn"})
"""Only these know ``-w`` for workers."""
_SERVERS = _SHORT_FLAG_SERVERS | {"uvicorn", "fastapi", "granian"}
_GUNICORN_ARGUMENTS = "GUNICORN_CMD_ARGS"
"""gunicorn reads more arguments from this variable, and they win over WEB_CONCURRENCY too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersFlag:
    """The flag as written, and its number where it is one."""

    text: str
    value: int | None
    where: str


def workers_flag(container: Mapping[str, Any], variable: str) -> WorkersFlag | None:
    """
    The flag that decides the number of workers in place of *variable*; None where the variable decides.

    ``--workers $(WEB_CONCURRENCY)`` is the variable's own way onto the command line and no obstacle.
    """
    for where, words in _command_lines(container):
        for text, value in _flags(words):
            if not re.search(rf"\$[({{]?{re.escape(variable)}\b", value):
                return WorkersFlag(text=text, value=int(value) if re.fullmatch("[0-9]{1,6}", value) else None, where=where)
    return None


def _command_lines(container: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    command, args = container.get("command") or [], container.get("args") or []
    yield "the container's command line", _words([*command, *args])
    for entry in container.get("env") or []:
        if entry.get("name") == _GUNICORN_ARGUMENTS and entry.get("value"):
            yield f"the variable {_GUNICORN_ARGUMENTS}", ["gunicorn", *_words([entry["value"]])]


def _words(arguments: Sequence[str]) -> list[str]:
    """One list of words, also of what a shell would split: ``sh -c "exec uvicorn app:app --workers 4"``."""
    words: list[str] = []
    for argument in map(str, arguments):
        try:
            words += shlex.split(argument) if any(map(str.isspace, argument)) else [argument]
        except ValueError:  # a quote that is never closed: no shell would run it, so its words are as good
            words += argument.split()
    return words


def _flags(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    servers = {PurePosixPath(word).name for word in words} & _SERVERS
    # Without any known program the image's entrypoint runs, and that may be gunicorn.
    short = not servers or bool(servers & _SHORT_FLAG_SERVERS)
    names = ("--workers", "-w") if short else ("--workers",)
    for word, following in pairwise([*words, ""]):
        if word in names and following:
            yield f"{word} {following}", following
        elif word.startswith("--workers="):
            yield word, word.removeprefix("--workers=")
        elif short and re.fullmatch("-w[0-9]+", word):
            yield word, word[2:]
