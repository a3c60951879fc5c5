"""What the way from one configuration to another has to stay within."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from apituner.core.configuration import Configuration, Knob
from apituner.core.peak import ending_connections
from apituner.core.policy import Bounds, ConnectionLimit, Policy
from apituner.core.strategy import Strategy
from apituner.core.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a plan has to stay within, and how the Deployment replaces its pods."""

    strategy: Strategy
    limit: ConnectionLimit | None = None
    least: int = 1
    """The fewest pods that serve the load meanwhile, with the template of before as with that of the target."""
    bounds: Bounds | None = None
    """Of the replicas; None where they are not ours to move."""
    ending: int = 0
    """Connections of pods that are terminating already."""
    autoscaled_to: int = 0
    """The most pods that an autoscaler may run meanwhile; 0 where there is none."""

    def scaled(self, one: Configuration) -> Configuration:
        """Return *one* with all the pods that an autoscaler may give it at any moment."""
        return replace(one, replicas=self.autoscaled_to) if one.replicas < self.autoscaled_to else one


def room_for(workload: Workload, policy: Policy, *, least: int, known: Iterable[Configuration]) -> Room:
    """
    Return the room that a change of *workload* has now, *least* pods serving meanwhile.

    *known* are the configurations that pods which are terminating may have: the dearest prices them all.
    """
    scaler, bounds = workload.autoscaler, policy.knobs.get(Knob.REPLICAS)
    return Room(
        strategy=workload.strategy,
        limit=policy.connection_limit,
        least=least,
        bounds=bounds,
        ending=ending_connections(workload.terminating_replicas, known, policy.engines_per_worker),
        autoscaled_to=scaler.max_replicas if scaler is not None and bounds is None else 0,
    )
