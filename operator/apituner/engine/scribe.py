"""Tells what a sweep found: keeps each object's last status, and writes a new one, and an Event about it, when it is news."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from apituner.core.memory import Memory
from apituner.core.workload import TargetFault
from apituner.engine.news import is_news
from apituner.engine.notices import notice_of
from apituner.engine.recall import memory_of
from apituner.engine.registry import Kind, Resource
from apituner.engine.report import Sighting, status_of
from apituner.ports import Journal, NotWritten, Subject

_log = logging.getLogger("apituner.decisions")

_KINDS = {Kind.TUNING: "ApiTuning", Kind.BUDGET: "ConnectionBudget"}


@dataclass(slots=True)
class _Page:
    """What is known of one object since the start; the status on the API server is the durable copy of both."""

    status: Mapping[str, Any]
    memory: Memory


@dataclass(slots=True)
class Scribe:
    """Remembers and reports. What it keeps is in every object's status too, so a new start reads it back from there."""

    journal: Journal
    _pages: dict[str, _Page] = field(default_factory=dict)

    def memory(self, of: Resource) -> Memory:
        """Return the memory of an object, from its status at first sight."""
        return self._page(of).memory

    def latest(self, of: Resource) -> Resource:
        """Return an object with the status that was written last, which a watch may tell late or never."""
        return replace(of, status=self._page(of).status)

    async def report(self, of: Resource, sighting: Sighting) -> NotWritten | None:
        """Write the status if it is news; the memory counts only once it is written where it survives us."""
        status = status_of(sighting, self._page(of).status)
        refused = await self.write(of, status, sighting.now)
        decision = sighting.conclusion.decision
        if refused is None:
            page = self._page(of)
            page.memory = decision.memory if decision is not None else page.memory.unseeing(sighting.now)
        return refused

    async def refuse(self, of: Resource, fault: TargetFault, now: datetime) -> None:
        """Report an object whose spec cannot be followed; the rest of its status stays as it was."""
        told = {"status": "False", "reason": fault.reason, "message": fault.because, "observedGeneration": of.generation}
        status = {
            **self._page(of).status,
            "observedGeneration": of.generation,
            "conditions": [{"type": kind, **told} for kind in ("Ready", "TargetAvailable")],
            "decision": {"kind": "Hold", "reason": fault.reason, "because": fault.because},
            "recommendation": None,
        }
        await self.write(of, status, now)

    async def write(self, of: Resource, status: Mapping[str, Any], now: datetime) -> NotWritten | None:
        """Bring an object's status to *status* if it is news, and tell of it in an Event where it deserves one."""
        page, subject = self._page(of), Subject(kind=_KINDS[of.kind], namespace=of.namespace, name=of.name, uid=of.uid)
        if not is_news(status, page.status):
            return None
        notice = notice_of(status, page.status) if of.kind is Kind.TUNING else None
        written = await self.journal.report(subject, page.status, status, now)
        if isinstance(written, NotWritten):
            _log.warning("status not written", extra={"namespace": of.namespace, "object": of.name, "because": written.because})
            return written
        page.status = written
        if notice is not None:
            await self.journal.tell(subject, notice, now)
        return None

    def forget_all_but(self, kept: set[str]) -> None:
        """Drop what is known of objects that are gone."""
        self._pages = {uid: page for uid, page in self._pages.items() if uid in kept}

    def _page(self, of: Resource) -> _Page:
        if of.uid not in self._pages:
            memory = memory_of(of.status) if of.kind is Kind.TUNING else Memory()
            self._pages[of.uid] = _Page(status=of.status, memory=memory)
        return self._pages[of.uid]
