"""Quantities of Kubernetes as numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.kube.quantities import quantity

_SUFFIXES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        pytest.param(0.25, "250m", id="a quarter of a CPU"),
        pytest.param(2**30, "1Gi", id="binary suffix"),
        pytest.param(1e9, "1G", id="decimal suffix"),
        pytest.param(1e3, "1e3", id="exponent"),
        pytest.param(1e18, "1E", id="E alone is an exa, not an exponent"),
        pytest.param(1e3, "1E3", id="E with digits is an exponent"),
        pytest.param(0.001, "1e-3", id="negative exponent"),
        pytest.param(1.5 * 2**20, "1.5Mi", id="fraction of a binary unit"),
        pytest.param(0.5, ".5", id="no leading digit"),
        pytest.param(5, "5.", id="no digit after the point"),
        pytest.param(2, 2, id="YAML hands over a whole number"),
        pytest.param(0.5, 0.5, id="YAML hands over a fraction"),
    ],
)
def test_a_quantity_is_a_number(expected: float, text: str | float) -> None:
    """The grammar of the API server's own quantities."""
    assert expected == quantity(text)


@pytest.mark.parametrize("text", ["", "Gi", "1gi", "1 Gi", "1K", "0x10", "1e", "nan", "٣", "1e9999"])
def test_anything_else_is_refused(text: str) -> None:
    """What the API server would not take is an error, never a zero."""
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        quantity(text)


@given(number=st.integers(0, 10**9), suffix=st.sampled_from(sorted(_SUFFIXES)))
def test_a_suffix_is_a_factor(number: int, suffix: str) -> None:
    """Every suffix multiplies, and nothing else happens to the number."""
    assert number * _SUFFIXES[suffix] == pytest.approx(quantity(f"{number}{suffix}"))
