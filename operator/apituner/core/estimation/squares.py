"""Least squares with coefficients that cannot be negative, for three of them: by trying every set of those that are not zero."""

from collections.abc import Iterable, Sequence
from itertools import combinations

Row = Sequence[float]


def least_squares(rows: Iterable[tuple[float, Row]]) -> tuple[float, float, float]:
    """
    Return the three coefficients, none negative, for which the *rows*, each with its weight, come nearest to 1.

    The best is the plain least squares over those that are not zero (Karush, Kuhn, Tucker), and three have only seven such sets: each is
    solved, and of those that came out without a negative one the nearest is taken. Nothing fits nothing: without rows all are 0.
    """
    # Sums of products are all that matters: the matrix of the normal equations, and its right-hand side.
    products = [[0.0] * 3 for _ in range(3)]
    sums = [0.0] * 3
    for weight, row in rows:
        for i in range(3):
            sums[i] += weight * row[i]
            for j in range(3):
                products[i][j] += weight * row[i] * row[j]
    best, gained = (0.0, 0.0, 0.0), 0.0
    for active in (chosen for size in (1, 2, 3) for chosen in combinations(range(3), size)):
        found = _solved([[products[i][j] for j in active] for i in active], [sums[i] for i in active])
        if found is None or min(found) < 0:
            continue
        # At the solution, the squares fall by the coefficients times the right-hand side.
        if (gain := sum(x * sums[i] for x, i in zip(found, active, strict=True))) > gained:
            spread = dict(zip(active, found, strict=True))
            best, gained = (spread.get(0, 0.0), spread.get(1, 0.0), spread.get(2, 0.0)), gain
    return best


# Below this share of its own size a pivot is rounding: the rows do not tell these coefficients apart.
_SINGULAR = 1e-9


def _solved(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """Solve symmetric positive equations by Gaussian elimination, which needs no pivoting for them; None where they are singular."""
    size = len(right)
    for i in range(size):
        row = matrix[i]
        for above in range(i):
            factor = row[above] / matrix[above][above]
            row = [own - factor * other for own, other in zip(row, matrix[above], strict=True)]
            right[i] -= factor * right[above]
        if row[i] <= _SINGULAR * matrix[i][i]:
            return None
        matrix[i] = row
    found = [0.0] * size
    for i in reversed(range(size)):
        found[i] = (right[i] - sum(matrix[i][j] * found[j] for j in range(i + 1, size))) / matrix[i][i]
    return found
