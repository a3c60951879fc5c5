"""A figure and how well it is known."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure, its standard error in the same unit, and how many windows it rests on."""

    value: float
    standard_error: float
    windows: int

    @property
    def relative_error(self) -> float:
        """The standard error as a share of the value; 0 for a value of 0 that is known to be that, infinite where it is not."""
        if self.value:
            return self.standard_error / self.value
        return math.inf if self.standard_error else 0.0
