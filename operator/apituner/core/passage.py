"""Where a change stands at one sweep."""

from dataclasses import dataclass

from apituner.core.change import Change
from apituner.core.configuration import Configuration
from apituner.core.decision import Decision
from apituner.core.situation import Situation
from apituner.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A change that is under way: the situation, what was seen, where the pod template stands, and the decision so far."""

    at: Situation
    seen: Snapshot
    change: Change
    draft: Decision
    here: Configuration
    """What the pod template asks for."""
    expected_s: float | None = None
    """What the configuration before the change would give at the load of now, by the model; None where it may not be asked."""
