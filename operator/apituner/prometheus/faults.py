"""What can go wrong between us and a Prometheus: four kinds, each a sentence that says what is wrong, where, and what to do."""

from typing import ClassVar

from apituner.core.snapshot import Absence


class SourceFault(Exception):  # noqa: N818 - a fault of the world, not an error of ours
    """A source gave no answer that may be used. The message never holds its address, which may carry a password."""

    absence: ClassVar[Absence]

    def __init__(self, source: str, what: str, advice: str) -> None:
        super().__init__(f"Prometheus source {source!r} {what}: {advice}")
        self.what = what
        self.advice = advice


class Unreachable(SourceFault):
    """No answer, or one that says "not now": it may come back by itself."""

    absence = Absence.UNREACHABLE


class Resting(Unreachable):
    """Not asked at all: it failed too often just now, and is given a rest."""


class Refused(SourceFault):
    """A clear no, which asking again does not change."""

    absence = Absence.REFUSED


class BadQuery(Refused):
    """The query is not accepted, or costs more than the server allows."""


class Auth(Refused):
    """Our credentials are missing, wrong, or not enough."""


class BadAnswer(SourceFault):
    """An answer that is not one of Prometheus: a login page, half a document, another shape."""

    absence = Absence.BAD_ANSWER


class Partial(SourceFault):
    """An answer that says of itself that something is missing: a sum over it would be too small."""

    absence = Absence.PARTIAL_ANSWER


def too_slow(source: str, deadline_s: float) -> Unreachable:
    """No whole answer within the deadline."""
    return Unreachable(source, f"did not answer within {deadline_s:g} s", "look at its load, and whether the network lets us through")
