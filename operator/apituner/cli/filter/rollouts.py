"""When the newest pod template was rolled out and when we last wrote: the API server's clock, reckoned from line to line."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from apituner.cli.filter.steps import carried_out
from apituner.core.plan import Rollout, Step
from apituner.core.workload import Workload

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollouts:
    """What the lines so far have shown of one Deployment."""

    template_hash: str | None = None
    """The newest that was seen; None before the first line."""
    program: str | None = None
    """
    The hash since which every new template was our own work: settings change what a program gives, not what it is. Before the first line
    what the last change was noted with, so that a restart is not taken for a release.
    """
    ended_at: datetime | None = None
    """When the newest template was first seen at rest, no earlier than it was so; None until then."""
    due: Step | None = None
    """The step of the last Apply, until it is seen to be carried out."""
    due_at: datetime | None = None
    rolling: Rollout | None = None
    """The last rollout that was asked for, until the pod template is a new one; its settings may be seen a line before its hash."""
    written_at: datetime | None = None
    """When the last step that is seen to be carried out was decided."""

    def seeing(self, workload: Workload, now: datetime, *, counts_ending: bool = True) -> "Rollouts":
        """
        Return what is known after *workload* was seen at *now*.

        A Deployment that is at rest when first seen, after a restart too, has been so for long: since when, nobody tells. Where pods that
        are ending are not counted (*counts_ending*), the last of them may live for its whole grace period: unseen is not gone.
        """
        first, rolled = self.template_hash is None, self.template_hash != workload.template_hash
        ended_at = None if rolled else self.ended_at
        if ended_at is None and workload.unsettled_because is None:
            ended_at = LONG_AGO if first else now + timedelta(seconds=0 if counts_ending else workload.strategy.grace_s)
        done = self.due is not None and carried_out(self.due, workload)
        ours = self.rolling is not None and carried_out(self.rolling, workload)
        found = replace(
            self,
            template_hash=workload.template_hash,
            program=self.program if not rolled or ours or (first and self.program) else workload.template_hash,
            rolling=None if rolled else self.rolling,
            ended_at=ended_at,
        )
        return replace(found, due=None, due_at=None, written_at=self.due_at) if done else found

    def asking_for(self, step: Step | None, now: datetime) -> "Rollouts":
        """Return what is known after *step* was asked for at *now*; None: nothing was."""
        if step is None:
            return self
        return replace(self, due=step, due_at=now, rolling=step if isinstance(step, Rollout) else self.rolling)

    def dated(self, workload: Workload) -> Workload:
        """Return *workload* with its moments, and with the program's hash."""
        rolled_out = workload.updated_replicas >= workload.replicas
        return replace(
            workload,
            rolled_out_at=self.ended_at if rolled_out else None,
            written_at=self.written_at,
            template_hash=self.program,
        )
