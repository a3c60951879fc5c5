"""One sweep over all ApiTunings: observe all, decide each, apply few, report what is new."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from apituner.core.decision import DecisionKind
from apituner.core.situation import Situation
from apituner.core.snapshot import Snapshot, Unobserved
from apituner.core.workload import TargetFault, Workload
from apituner.engine.accounts import Accounts, entry
from apituner.engine.budgets import Unknown
from apituner.engine.conclude import Drawn, concluded, unread
from apituner.engine.conditions import BudgetFault
from apituner.engine.registry import Kind, Registry, Resource
from apituner.engine.report import Sighting
from apituner.engine.scribe import Scribe
from apituner.engine.tunings import Refused, Tuning, tunings
from apituner.ports import NotWritten, Observer, Workloads

_log = logging.getLogger("apituner.decisions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one sweep came to, for the operator's own metrics."""

    objects: int
    decisions: Mapping[tuple[str, str], int]
    """How many decisions of each kind and reason."""
    faults: int
    """Objects at which the sweep itself failed: bugs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One object, the Deployment it names, and what was seen of it, all of the same sweep."""

    tuning: Tuning
    workload: Workload | TargetFault
    seen: Snapshot | Unobserved
    now: datetime
    fault: Exception | None = None
    """A bug met while reading the Deployment; *workload* tells the user of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The sweep, joined to its edges."""

    registry: Registry
    observer: Observer
    workloads: Workloads
    scribe: Scribe
    stabilization_s: float

    async def __call__(self, now: datetime) -> Tally:
        """Go through all objects once. A fault at one of them is logged and never keeps the others from their turn."""
        resources = self.registry.all(Kind.TUNING)
        self.scribe.forget_all_but({one.uid for one in (*resources, *self.registry.all(Kind.BUDGET))})
        found = tunings(resources, stabilization_s=self.stabilization_s)
        refused = [one for one in found if isinstance(one, Refused)]
        looked = await self._look([one for one in found if isinstance(one, Tuning)], now)
        accounts = Accounts.opened(self.scribe.latest(one) for one in self.registry.all(Kind.BUDGET))
        for one in looked:
            self._enter(accounts, one)
        for other in refused:
            accounts.enter_refused(other.resource, other.fault)
        decisions: Counter[tuple[str, str]] = Counter()
        turns = [_Turn(one.tuning.resource, partial(self._conclude, one, accounts)) for one in looked]
        turns += [_Turn(other.resource, partial(self._refuse, other, now)) for other in refused]
        faults = sum([one.fault is not None for one in looked])
        for turn in turns:
            said = await _spared(turn)
            if said is None:
                faults += 1
            else:
                decisions[said] += 1
        for budget, status in accounts.reports():
            faults += await _spared(_Turn(budget, partial(self._report_budget, budget, status, now))) is None
        return Tally(objects=len(resources), decisions=decisions, faults=faults)

    async def _look(self, wanted: list[Tuning], now: datetime) -> list[Looked]:
        """See all objects: one batch of queries for all, one read each."""
        targets = [one.intent.target for one in wanted]
        observed, read = await asyncio.gather(
            self.observer.observe(targets, now),
            asyncio.gather(*(self._read(one) for one in wanted)),
        )
        return [
            Looked(tuning=one, workload=workload, seen=observed[one.intent.target], now=now, fault=fault)
            for one, (workload, fault) in zip(wanted, read, strict=True)
        ]

    async def _read(self, one: Tuning) -> tuple[Workload | TargetFault, Exception | None]:
        """Read one Deployment; a bug met on the way becomes a fault of this one alone."""
        try:
            return await self.workloads.read(one.intent.target), None
        except Exception as fault:  # noqa: BLE001 - the boundary between objects
            _log.exception("fault", extra={"namespace": one.resource.namespace, "object": one.resource.name})
            because = f"the operator failed at Deployment {one.intent.target.deployment} ({type(fault).__name__}): report its log as a bug"
            return TargetFault(reason="OperatorFault", because=because), fault

    def _enter(self, accounts: Accounts, one: Looked) -> None:
        wanted = one.tuning.intent
        try:
            memory = self.scribe.memory(one.tuning.resource)
            found = entry(wanted, one.workload, one.seen, memory, accounts.granted(wanted))
        except Exception:  # noqa: BLE001 - the boundary between objects: the same fault shows again in the turn of this one, where it is told
            found = Unknown(namespace=wanted.target.namespace, name=wanted.target.name)
        accounts.enter(wanted, found)

    async def _refuse(self, one: Refused, now: datetime) -> tuple[str, str]:
        await self.scribe.refuse(one.resource, one.fault, now)
        _log_decision(one.resource, {"kind": "Hold", "reason": one.fault.reason, "because": one.fault.because})
        return "Hold", one.fault.reason

    async def _report_budget(self, budget: Resource, status: Mapping[str, Any], now: datetime) -> tuple[str, str]:
        await self.scribe.write(budget, status, now)
        return "Report", str(budget.kind)

    async def _conclude(self, one: Looked, accounts: Accounts) -> tuple[str, str]:
        """Decide, write the intention down, act, report. Return the kind and reason of what came of it."""
        wanted, resource = one.tuning.intent, one.tuning.resource
        drawn = Drawn(limit=accounts.limit_for(wanted), overdrawn=accounts.overdrawn(wanted), named=wanted.budget is not None)
        policy = wanted.limited(None if isinstance(drawn.limit, BudgetFault) else drawn.limit)
        if isinstance(one.workload, Workload):
            memory = self.scribe.memory(resource)
            at = Situation(workload=one.workload, seen=one.seen, policy=policy, memory=memory, now=one.now)
            conclusion, decision = concluded(at, drawn)
        else:
            conclusion, decision = unread(one.workload, one.seen, drawn), None
        sighting = Sighting(generation=resource.generation, policy=policy, seen=one.seen, conclusion=conclusion, now=one.now)
        refused = await self._apply(one, sighting, accounts) if decision and decision.kind is DecisionKind.APPLY else None
        sighting = replace(sighting, conclusion=replace(conclusion, not_written=refused))
        await self.scribe.report(resource, sighting)
        return _logged(one, sighting)

    async def _apply(self, one: Looked, sighting: Sighting, accounts: Accounts) -> NotWritten | None:
        """
        Write the intention down, then carry out the step.

        The order makes a crash harmless: between the two the next start finds the intention and no change, and carries it out; after
        both it finds the change done. Without the intention written nothing is done at all. A step of a change that stands in the
        status already needs no second writing; its outcome is told after it.
        """
        decision = sighting.conclusion.decision
        if decision is None or decision.step is None or isinstance(one.workload, TargetFault):
            return None
        written = self.scribe.memory(one.tuning.resource).change == decision.memory.change
        if not written and (refused := await self.scribe.report(one.tuning.resource, sighting)) is not None:
            return refused
        self._enter(accounts, one)  # from here on the ledger prices the change, also for those whose turn is still to come
        answer = await self.workloads.carry_out(one.tuning.intent.target, decision.step, one.workload)
        return answer if isinstance(answer, NotWritten) else None


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is to be done about one object; begun only when it is its turn."""

    resource: Resource
    take: Callable[[], Awaitable[tuple[str, str]]]


async def _spared(turn: _Turn) -> tuple[str, str] | None:
    """Take a turn; None where it met a bug, which must not cost the others theirs."""
    try:
        return await turn.take()
    except Exception:  # noqa: BLE001 - the boundary between objects
        _log.exception("fault", extra={"namespace": turn.resource.namespace, "object": turn.resource.name})
        return None


def _logged(one: Looked, sighting: Sighting) -> tuple[str, str]:
    found = sighting.conclusion
    fault = found.workload if isinstance(found.workload, TargetFault) else found.not_written
    said = {"kind": "Hold", "reason": "Unknown", "because": ""}
    if fault is not None:
        said |= {"reason": fault.reason, "because": fault.because}
    elif found.decision is not None:
        step = {"step": str(found.decision.step)} if found.decision.step is not None else {}
        said = {"kind": str(found.decision.kind), "reason": found.decision.reason, "because": found.decision.because, **step}
    _log_decision(one.tuning.resource, said)
    return said["kind"], said["reason"]


def _log_decision(resource: Resource, said: Mapping[str, str]) -> None:
    _log.info("decision", extra={"namespace": resource.namespace, "object": resource.name, **said})
