"""Kubernetes Events: one for every change and every new refusal, and never a flood."""

import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from apituner.kube.client import EVENTS, Api
from apituner.kube.errors import KubeError

_log = logging.getLogger(__name__)

CONTROLLER = "apituner.dev/operator"
_REMEMBERED = 4096
"""Notes, and objects, that are kept in mind: four of each for a thousand ApiTunings."""
_REPEAT_AFTER = timedelta(hours=1)
"""The API server forgets an Event after --event-ttl, one hour by default; saying it again then is news."""
_BURST = 25
_REFILL = timedelta(minutes=5)
"""25 Events an object at once, then one in 5 minutes: the defaults of client-go (tools/record, EventSourceObjectSpamFilter)."""
_LONGEST_NOTE = 1024
"""Bytes; events.k8s.io/v1 refuses a longer note."""


class Severity(StrEnum):
    """The two types of an Event."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regarding:
    """The object that an Event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str

    def as_reference(self) -> dict[str, str]:
        """As the Event holds it."""
        return {"apiVersion": self.api_version, "kind": self.kind, "namespace": self.namespace, "name": self.name, "uid": self.uid}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What an Event says: a CamelCase reason, a sentence, and the action that was taken or refused."""

    reason: str
    because: str
    severity: Severity = Severity.NORMAL
    action: str = "Tune"


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: datetime

    def take(self, now: datetime) -> bool:
        self.tokens = min(_BURST, self.tokens + (now - self.filled_at) / _REFILL)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Recorder:
    """Writes Events. A failure stops nothing: it is logged once, until one goes through again."""

    def __init__(self, api: Api, *, instance: str) -> None:
        self._api = api
        self._instance = instance[:128]
        self._said: OrderedDict[tuple[str, str, str], datetime] = OrderedDict()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._failing = False

    async def record(self, regarding: Regarding, note: Note, now: datetime) -> bool:
        """Write the Event unless it was said lately, or the object has said too much; True if it was written."""
        said = (regarding.uid, note.reason, note.because)
        if said in self._said and now - self._said[said] < _REPEAT_AFTER:
            return False
        if not self._bucket(regarding.uid, now).take(now):
            return False
        try:
            await self._api.create(EVENTS, regarding.namespace, event(regarding, note, now, instance=self._instance))
        except KubeError as error:
            if not self._failing:
                _log.warning("Events are not written, the work goes on: %s", error)
            self._failing = True
            return False
        self._failing = False
        self._said[said] = now
        _forget_oldest(self._said, said)
        return True

    def _bucket(self, uid: str, now: datetime) -> _Bucket:
        bucket = self._buckets.setdefault(uid, _Bucket(tokens=_BURST, filled_at=now))
        _forget_oldest(self._buckets, uid)
        return bucket


def event(regarding: Regarding, note: Note, now: datetime, *, instance: str) -> dict[str, Any]:
    """The manifest of an events.k8s.io/v1 Event."""
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        # A suffix of its own, as client-go's: the same words about the same object may come again. Names end at 253 characters.
        "metadata": {"name": f"{regarding.name[:230]}.{secrets.token_hex(8)}", "namespace": regarding.namespace},
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
        "regarding": regarding.as_reference(),
        "type": note.severity.value,
        "reason": note.reason,
        "action": note.action,
        "note": _within_bytes(note.because, _LONGEST_NOTE),
    }


def _within_bytes(text: str, longest: int) -> str:
    encoded = text.encode()
    if len(encoded) <= longest:
        return text
    return encoded[: longest - len("…".encode())].decode(errors="ignore") + "…"


def _forget_oldest(remembered: OrderedDict[Any, Any], newest: object) -> None:
    remembered.move_to_end(newest)
    while len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)
