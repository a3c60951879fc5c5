"""A change that somebody may object to: whether it grows, shrinks or does both."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apituner.core.configuration import Configuration
from apituner.core.memory import Memory
from apituner.core.ownership import Hold
from apituner.core.policy import Policy
from apituner.core.snapshot import Snapshot
from apituner.core.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that somebody may object to."""

    target: Configuration
    effective: Configuration
    configured: Configuration
    seen: Snapshot
    workload: Workload
    policy: Policy
    memory: Memory
    now: datetime
    agreed: int
    """How many windows in a row led to this template."""
    residual_ratio: float | None = None
    """The share of the mean latency that the model does not explain; None where that is not known."""

    @property
    def rolls_out(self) -> bool:
        """Whether it needs a new template: that takes capacity and adds connections, whatever it is for."""
        return not self.effective.same_template(self.target)

    @property
    def only_grows(self) -> bool:
        """Whether it adds pods and does nothing else."""
        return not self.rolls_out and self.target.replicas >= self.effective.replicas

    @property
    def only_shrinks(self) -> bool:
        """Whether it takes pods away and does nothing else."""
        return not self.rolls_out and self.target.replicas < self.effective.replicas


Guard = Callable[[Proposal], Hold | None]
"""Says why a proposal must not go on now, None where nothing speaks against it."""
