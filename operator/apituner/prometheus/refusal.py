"""What a status other than 200 means."""

from apituner.prometheus.faults import Auth, BadAnswer, BadQuery, Refused, SourceFault, Unreachable

# How much of a server's own words goes into a sentence: status conditions are short, and an error may quote the whole query.
_QUOTED_CHARACTERS = 160

_KNOWN: dict[int, tuple[type[SourceFault], str, str]] = {
    400: (BadQuery, "does not accept a query", "check that it is a Prometheus 3 or newer"),
    401: (Auth, "wants other credentials", "let the operator reach it without one, or through a proxy that adds it"),
    403: (Auth, "forbids us to query", "allow the operator's account to read its query API"),
    404: (Refused, "has no query API at its address", "check the path of its address: often a prefix is missing"),
    405: (Refused, "has no query API at its address", "check the path of its address: often a prefix is missing"),
    408: (Unreachable, "is too slow for us", "give it more room; the next sweep asks again"),
    422: (BadQuery, "cannot evaluate a query", "raise its query limits, such as --query.max-samples"),
    429: (Unreachable, "is overloaded", "give it more room; the next sweep asks again"),
}
_BY_CLASS: dict[int, tuple[type[SourceFault], str, str]] = {
    3: (
        BadAnswer,
        "sends us elsewhere",
        "name its final address in the chart's values; no redirect is followed, lest a credential goes astray",
    ),
    4: (Refused, "refuses", "check its address and what stands before it"),
    5: (Unreachable, "cannot answer now", "look at its logs; the next sweep asks again"),
}
_STRANGE = (BadAnswer, "answers what no Prometheus answers", "check its address and what stands before it")


def refusal(source: str, status: int, words: str) -> SourceFault:
    """Return the fault for *status*, with the server's own *words*, if any, cut short."""
    kind, what, advice = _KNOWN.get(status) or _BY_CLASS.get(status // 100, _STRANGE)
    said = f": {quoted(words)}" if words else ""
    return kind(source, f"{what} (HTTP {status}{said})", advice)


def quoted(words: str) -> str:
    """Bring foreign words onto one line, cut short."""
    line = " ".join(words.split())
    return line if len(line) <= _QUOTED_CHARACTERS else line[: _QUOTED_CHARACTERS - 1] + "…"
