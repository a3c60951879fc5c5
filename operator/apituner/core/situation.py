"""All that one decision rests on."""

from dataclasses import dataclass
from datetime import datetime

from apituner.core.memory import Memory
from apituner.core.policy import Policy
from apituner.core.snapshot import Snapshot, Unobserved
from apituner.core.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The workload, what was seen of it, what is wanted, what earlier sweeps left, and the time."""

    workload: Workload
    seen: Snapshot | Unobserved
    policy: Policy
    memory: Memory
    now: datetime
