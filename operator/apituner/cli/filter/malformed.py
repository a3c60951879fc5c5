"""Why a line cannot be answered: one sentence that names the field."""

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from apituner.api.words import SENTENCE_MOST

_SHOULD = re.compile("^[A-Z][a-z]+ should")
_PATH_MOST = 200
"""Names come from the line, and may be as long as it."""

Model = TypeVar("Model", bound=BaseModel)


class Malformed(Exception):  # noqa: N818 - the line is at fault, not the program
    """A line that is not as the contract has it: where, what is wrong, and what to write instead."""

    def __init__(self, path: str, wrong: str) -> None:
        super().__init__(f"{_cut(path, _PATH_MOST)}: {_cut(wrong, SENTENCE_MOST)}")


def validated(model: type[Model], value: Any, *path: str) -> Model:  # noqa: ANN401 - any JSON value
    """Return *value*, which stands at *path* of the line, as a *model*; Malformed names its first fault."""
    try:
        # The names of the contract alone, nothing beside them: a misspelt name would be a setting that silently does not hold.
        return model.model_validate(value, extra="forbid", by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    raise Malformed(_where(path, first), _wrong(first))


def _where(path: tuple[str, ...], fault: ErrorDetails) -> str:
    return ".".join(str(part) for part in (*path, *fault["loc"]) if part != "[key]") or "line"


def _wrong(fault: ErrorDetails) -> str:
    if "[key]" in fault["loc"] or fault["type"] == "extra_forbidden":
        return "there is no such field: correct its name, or leave it out"
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] in ("model_type", "dict_type"):
        return "must be an object"
    return _SHOULD.sub("must", fault["msg"].removeprefix("Value error, "), count=1)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
