"""What the tests of all libraries share."""

from collections.abc import Iterator

import pytest

from pooled import Exported, Request


@pytest.fixture
def exported() -> Exported:
    """Return signals in which nothing was noted yet."""
    return Exported()


@pytest.fixture
def request_under_way() -> Iterator[Request]:
    """Return the request in which all of the test happens."""
    begun = Request()
    with begun.under_way():
        yield begun
