"""One line: what is asked about which API, and all that the answer may rest on."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from apituner.cli.filter.deployed import DeploymentPart
from apituner.cli.filter.documents import Json
from apituner.cli.filter.malformed import Malformed, validated
from apituner.cli.filter.scalars import ID_MOST, Id, LinePart, Moment
from apituner.cli.filter.sighted import SignalsPart

VERSION = 1


class BudgetPart(LinePart):
    """The connections of the database: all that may be granted, what this API was granted, what nobody holds."""

    limit: Annotated[int, Field(strict=True, ge=0, le=10**6)]
    granted_to_this: Annotated[int, Field(strict=True, ge=0, le=10**6)]
    free: Annotated[int, Field(strict=True, ge=-(10**6), le=10**6)]
    """Below zero while the APIs hold more than the budget allows."""


class Question(LinePart):
    """One line. The spec and the status are read by the models of the resource, each in its turn."""

    v: Literal[1]
    id: Id
    now: Moment
    spec: Any
    deployment: DeploymentPart
    signals: SignalsPart | None
    """None: Prometheus did not answer."""
    budget: BudgetPart | None = None
    status: Any = None
    restart: Annotated[bool, Field(strict=True)] = False
    history: list[SignalsPart] = Field(default_factory=list)

    @model_validator(mode="after")
    def _time_goes_forward(self) -> Self:
        if self.history and not self.restart:
            raise ValueError("history comes with restart alone: a running operator has seen it already")
        windows = [*self.history, *([self.signals] if self.signals is not None else [])]
        if any(later.at <= earlier.at for earlier, later in pairwise(windows)):
            raise ValueError("history must go forward in time, the oldest first, and end before signals.at")
        if windows and windows[-1].at > self.now:
            raise ValueError("signals.at lies after now")
        return self


def question(document: Json) -> Question:
    """Return the question that *document* asks; Malformed where it is none."""
    # First, and strictly: 1.0 and true are equal to 1, and of another version nothing else could be said.
    if (version := document.get("v")) != VERSION or type(version) is not int:
        raise Malformed("v", f"must be {VERSION}, the version of the contract that is spoken here")
    return validated(Question, document)


def told_id(document: Json) -> str | None:
    """Return the id under which even a line that cannot be answered gets its answer; None where there is none to tell."""
    told = document.get("id")
    return told if isinstance(told, str) and len(told) <= ID_MOST else None
