"""How a Deployment replaces its pods, which decides how many connections are open meanwhile."""

import math
from dataclasses import dataclass

_LATE_S = 4.0
READY_CUT_S = 1.0
"""How much of ``minReadySeconds`` may be missing: the time of a pod's Ready condition is cut to the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """The rollout strategy of a Deployment, as its spec has it; the defaults are Kubernetes'."""

    recreate: bool = False
    """All old pods are gone before the first new one starts."""
    max_surge: str = "25%"
    """A number of pods, or a percentage of the replicas, rounded up."""
    max_unavailable: str = "25%"
    """Likewise, rounded down."""
    min_ready_s: float = 0.0
    """For how long a new pod must be ready before the rollout goes on."""
    grace_s: float = 30.0
    """For how long a pod that ends may keep its connections."""

    @property
    def ends_within_s(self) -> float:
        """
        For how long a pod that was told to end may keep its connections, delays included.

        The kubelet leaves 2 s to a pod whose ``preStop`` hook has used up the grace period, and hears of the deletion within about as much.
        """
        return self.grace_s + _LATE_S

    @property
    def apart_s(self) -> float:
        """For how long a new pod was certainly ready before it counted."""
        return max(0.0, self.min_ready_s - READY_CUT_S)

    def surge(self, replicas: int) -> int:
        """Return how many pods a rollout may have too many; pods that are ending are not counted by Kubernetes."""
        return 0 if self.recreate else math.ceil(_pods(self.max_surge, replicas))

    def unavailable(self, replicas: int) -> int:
        """Return how many pods a rollout may have too few; at least one where it may have none too many, or it could not begin."""
        if self.recreate:
            return replicas
        return max(math.floor(_pods(self.max_unavailable, replicas)), 0 if self.surge(replicas) else 1)


def _pods(amount: str, replicas: int) -> float:
    return int(amount.removesuffix("%")) * replicas / 100 if amount.endswith("%") else int(amount)
