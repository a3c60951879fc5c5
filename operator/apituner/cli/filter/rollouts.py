"""When the newest pod template was rolled out and when we last wrote: the API server's clock, reckoned from line to line."""

from dataclasses import dataclass, replace
from datetime import datetime

from apituner.cli.filter.steps import carried_out
from apituner.core.plan import Step
from apituner.core.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollouts:
    """
    What the lines so far have shown of one Deployment.

    After a restart the moments are not known: a Deployment that is at rest then counts as having been so for long.
    """

    template_hash: str | None = None
    """The newest that was seen; None before the first line."""
    complete: bool = False
    """Whether it was seen at rest. From then on pods come and go without a rollout."""
    ended_at: datetime | None = None
    """When it was first seen at rest after it was seen to roll out: no earlier than it was."""
    due: Step | None = None
    """The step of the last Apply, until it is seen to be carried out."""
    due_at: datetime | None = None
    written_at: datetime | None = None
    """When the last step that is seen to be carried out was decided."""

    def seeing(self, workload: Workload, now: datetime) -> "Rollouts":
        """Return what is known after *workload* was seen at *now*."""
        at_rest = workload.unsettled_because is None
        rolled = self.template_hash not in (None, workload.template_hash)
        ending = at_rest and (rolled or (self.template_hash is not None and not self.complete))
        found = replace(
            self,
            template_hash=workload.template_hash,
            complete=at_rest or (self.complete and not rolled),
            ended_at=now if ending else None if rolled else self.ended_at,
        )
        if self.due is not None and carried_out(self.due, workload):
            return replace(found, due=None, due_at=None, written_at=self.due_at)
        return found

    def asking_for(self, step: Step | None, now: datetime) -> "Rollouts":
        """Return what is known after *step* was asked for at *now*; None: nothing was."""
        return self if step is None else replace(self, due=step, due_at=now)

    def dated(self, workload: Workload) -> Workload:
        """Return *workload* with its moments."""
        rolled_out = self.complete and workload.updated_replicas >= workload.replicas
        return replace(workload, rolled_out_at=self.ended_at if rolled_out else None, written_at=self.written_at)
