"""
Values of labels that cannot run away: each series costs memory in the API and in Prometheus for ever.

Routes are bounded by the code, hosts and functions nearly so; "nearly" is what this is for.
"""

OTHER = "_OTHER"

# An identifier or host name is shorter (DNS allows 253 characters); what is longer is cut.
_LONGEST = 200


class BoundedLabel:
    """The first *most* distinct values are told as they are, all later ones as ``_OTHER``, whoever sends them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def value(self, wanted: str) -> str:
        """Return *wanted*, cut to 200 characters, or ``_OTHER``."""
        short = wanted[:_LONGEST]
        if short in self._known:
            return short
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(short)
        return short


class BoundedPair:
    """The same for pairs of values that are bounded each: all pairs of them would be too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[tuple[str, str]] = set()

    def values(self, first: str, second: str) -> tuple[str, str]:
        """Return the pair as it is, or ``_OTHER`` twice."""
        pair = first, second
        if pair in self._known:
            return pair
        if len(self._known) >= self._most:
            return OTHER, OTHER
        self._known.add(pair)
        return pair
