"""What the turns say: each server against the bare one, turn by turn, as medians with their spread."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from bench.turns import Score

_DRAWS = 1000
_GROUPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A median of ratios: with what it would be in 95 of 100 repetitions, and the middle half of its turns."""

    median: float
    likely: tuple[float, float]
    half: tuple[float, float]

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.likely[0]:.3f} to {self.likely[1]:.3f}; turns {self.half[0]:.2f} to {self.half[1]:.2f})"


def ratio(ones: Sequence[float], others: Sequence[float]) -> Ratio:
    """Compare turn by turn; bootstrap, as the turns of a noisy machine have no known distribution."""
    ratios = [one / other for one, other in zip(ones, others, strict=True)]
    dice = random.Random(7)  # noqa: S311 - draws, not secrets
    draws = sorted(median(dice.choices(ratios, k=len(ratios))) for _ in range(_DRAWS))
    lower, _, upper = quantiles(ratios, n=4)
    return Ratio(median=median(ratios), likely=(draws[_DRAWS // 40], draws[-_DRAWS // 40]), half=(lower, upper))


def slowest_s(score: Score) -> float:
    """Return the latency that one request in a hundred exceeds."""
    return sorted(score.latencies_s)[int(len(score.latencies_s) * 0.99)]


def slowest_ratio(ones: Score, others: Score) -> Ratio:
    """Compare the p99 of eighths of the run: a turn alone has too few requests for one."""
    return ratio(_eighths_s(ones), _eighths_s(others))


def _eighths_s(score: Score) -> list[float]:
    size = len(score.latencies_s) // _GROUPS
    return [sorted(score.latencies_s[group * size : (group + 1) * size])[int(size * 0.99)] for group in range(_GROUPS)]
