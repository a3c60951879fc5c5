"""The port to people: the status of our objects, and Events about them."""

from collections.abc import Mapping
from datetime import datetime

from apituner.kube.client import API_TUNINGS, CONNECTION_BUDGETS, Api
from apituner.kube.events import Note, Recorder, Regarding, Severity
from apituner.kube.status import NotReported, report
from apituner.ports import Notice, NotWritten, Subject

_KINDS = {"ApiTuning": API_TUNINGS, "ConnectionBudget": CONNECTION_BUDGETS}


class KubeJournal:
    """Status and Events of the API server; an error of the world becomes a value with a reason."""

    def __init__(self, api: Api, *, instance: str) -> None:
        self._api = api
        self._recorder = Recorder(api, instance=instance)

    async def report(
        self, subject: Subject, last: Mapping[str, object], status: Mapping[str, object], now: datetime
    ) -> Mapping[str, object] | NotWritten:
        """Bring the status from *last* to *status*."""
        seen = {"metadata": {"namespace": subject.namespace, "name": subject.name, "uid": subject.uid}, "status": last}
        answer = await report(self._api, _KINDS[subject.kind], seen, status, now)
        if isinstance(answer, NotReported):
            return NotWritten(reason="StatusNotWritten", because=answer.because)
        return answer.status

    async def tell(self, subject: Subject, notice: Notice, now: datetime) -> None:
        """Record an Event."""
        kind = _KINDS[subject.kind]
        regarding = Regarding(
            api_version=f"{kind.group}/{kind.version}",
            kind=subject.kind,
            namespace=subject.namespace,
            name=subject.name,
            uid=subject.uid,
        )
        severity = Severity.NORMAL if notice.normal else Severity.WARNING
        note = Note(reason=notice.reason, because=notice.note, severity=severity, action=notice.action)
        await self._recorder.record(regarding, note, now)
