"""
From the bytes of a line to a JSON object: no name twice, no broken text.

NaN and Infinity, which Python reads, are left to the models: they know the field.
"""

import json
from typing import Any

from apituner.cli.filter.malformed import Malformed

Json = dict[str, Any]


def document(line: bytes) -> Json:
    """Return the object that *line* holds; Malformed where it holds none."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("line", f"byte {error.start + 1} is not UTF-8") from None
    try:
        found = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise Malformed("line", f"is not JSON: {error.msg} at character {error.colno}") from None
    except RecursionError:
        raise Malformed("line", "is nested too deep") from None
    except ValueError:
        raise Malformed("line", "holds a number of too many digits") from None
    if not isinstance(found, dict):
        raise Malformed("line", "must be a JSON object")
    return found


def _object(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise Malformed(twice, "stands twice in one object: which of the two is meant?")
    return found
