"""The most that was needed lately, slowly forgotten."""

import math
from dataclasses import dataclass

# The week over which krr takes the largest memory; it fades instead of dropping out, so that one number remembers it.
_FADES_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The largest figure of about a week."""

    value: float

    def seeing(self, value: float, elapsed_s: float) -> "Peak":
        """Return the peak after one more window, the last of which ended *elapsed_s* ago."""
        return Peak(value=value + max(0.0, self.value - value) * math.exp(-elapsed_s / _FADES_S))
