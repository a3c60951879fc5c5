"""Amounts of CPU and memory."""

from decimal import Decimal

import pytest

from cluster.node.quantities import cpu_limit, quantity, resource_field


@pytest.mark.parametrize(
    ("expected", "text"),
    [("0.25", "250m"), ("1", "1"), ("1.5", "1.5"), ("67108864", "64Mi"), ("64000000", "64M"), ("1024", "1Ki"), ("1000", "1k")],
)
def test_quantity(expected: str, text: str) -> None:
    """Binary and decimal suffixes differ, and "m" is a thousandth."""
    assert Decimal(expected) == quantity(text)


def test_no_limit_is_none_and_not_zero() -> None:
    """A container without a CPU limit may use the whole machine."""
    assert cpu_limit({}) is None
    assert cpu_limit({"resources": {"limits": {"cpu": "500m"}}}) == 0.5


@pytest.mark.parametrize(
    ("expected", "reference"),
    [
        pytest.param("1", {"resource": "limits.cpu"}, id="rounded up to whole cores"),
        pytest.param("250", {"resource": "limits.cpu", "divisor": "1m"}, id="in thousandths of a core"),
        pytest.param("64", {"resource": "limits.memory", "divisor": "1Mi"}, id="in mebibytes"),
        pytest.param("0", {"resource": "requests.cpu"}, id="a request that is not stated is none"),
    ],
)
def test_resource_field(expected: str, reference: dict[str, str]) -> None:
    """The amount is in units of the divisor, rounded up."""
    assert expected == resource_field(reference, {"resources": {"limits": {"cpu": "250m", "memory": "64Mi"}}})
