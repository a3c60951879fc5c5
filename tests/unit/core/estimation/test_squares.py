"""Least squares with coefficients that cannot be negative."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies  # noqa: F401 - sets the profile of the properties
from apituner.core.estimation.squares import Row, least_squares

Rows = list[tuple[float, Row]]


def _misfit(rows: Rows, coefficients: tuple[float, float, float]) -> float:
    return sum(weight * (sum(x * y for x, y in zip(coefficients, row, strict=True)) - 1) ** 2 for weight, row in rows)


def test_what_can_be_met_exactly_is() -> None:
    """Three coefficients that made the rows are found again."""
    made = (0.5, 0.0, 0.25)
    sums = {n: made[0] + made[1] * n + made[2] * n * n for n in (1, 2, 3, 5)}
    rows: Rows = [(1.0, [1 / total, n / total, n * n / total]) for n, total in sums.items()]

    assert made == pytest.approx(least_squares(rows), abs=1e-9)


@pytest.mark.parametrize(
    ("expected", "rows"),
    [
        pytest.param((0, 0, 0), [], id="no row"),
        pytest.param((0, 0, 0), [(1.0, [0, 0, 0])], id="a row of nothing"),
        pytest.param((0.5, 0, 0), [(1.0, [2, 2, 2])], id="one row tells no two coefficients apart"),
    ],
)
def test_what_cannot_be_told_is_left_at_zero(expected: tuple[float, float, float], rows: Rows) -> None:
    """Equations without one answer give the shortest that there is."""
    assert expected == pytest.approx(least_squares(rows))


_cells = st.floats(0.1, 3)


@given(st.lists(st.tuples(st.floats(0.1, 5), st.tuples(_cells, _cells, _cells)), min_size=3, max_size=6))
def test_nothing_near_it_fits_better(rows: Rows) -> None:
    """No coefficient is negative, and no allowed step away from the answer lessens the squares."""
    found = least_squares(rows)
    least = _misfit(rows, found)

    assert min(found) >= 0
    for steps in product((-1e-3, 0, 1e-3), repeat=3):
        a, b, c = (max(0.0, x + step) for x, step in zip(found, steps, strict=True))
        assert _misfit(rows, (a, b, c)) >= least - 1e-9
