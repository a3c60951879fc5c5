"""What a value leaves open: pure."""

from collections.abc import Mapping
from typing import Any


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value without what it leaves open: absent and null mean the same to a reader, but not to a schema."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(item) for item in value]
    return value
