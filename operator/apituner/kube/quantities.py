"""Kubernetes quantities as plain numbers: "250m" of a CPU, "1Gi" of memory."""

import re
from decimal import Decimal

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?\d{1,3}))?", re.ASCII
)
_DECIMAL_EXPONENT = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_POWER = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def quantity(text: str | float) -> float:
    """
    The number that *text* stands for; ValueError if it is no quantity.

    The grammar is that of ``k8s.io/apimachinery/pkg/api/resource``: a decimal number, then a decimal suffix, a binary suffix or an
    exponent. "1E" is an exa, "1E3" a thousand. YAML may hand over a bare number.
    """
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is not a Kubernetes quantity such as 250m, 1.5 or 1Gi")
    number = Decimal(found["number"])
    if found["exponent"]:
        return float(number.scaleb(int(found["exponent"])))
    suffix = found["suffix"] or ""
    if suffix in _BINARY_POWER:
        return float(number * 1024 ** _BINARY_POWER[suffix])
    return float(number.scaleb(_DECIMAL_EXPONENT[suffix]))
