"""What a running operator would hold in memory about one API: bounded, and never what must outlive it."""

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol, Self

from apituner.cli.filter.documents import Json
from apituner.cli.filter.rollouts import Rollouts
from apituner.core.configuration import Configuration
from apituner.core.memory import Memory
from apituner.core.policy import Policy
from apituner.core.snapshot import Snapshot
from apituner.core.workload import Workload

APIS_MOST = 10_000
"""Of an API that has not been asked about for the longest time only the status is left, which the caller has."""


class Estimates(Protocol):
    """What is learned of an API window by window."""

    def seeing(self, seen: Snapshot, here: Configuration, workload: Workload, policy: Policy) -> Self:
        """Return the estimates after one more window."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One API, as it was left by the last answer."""

    rollouts: Rollouts = field(default_factory=Rollouts)
    told: bytes = b""
    """Stands for the status of the last answer, of which the caller has the whole."""
    memory: Memory = field(default_factory=Memory)
    """What that status was made of: it is more exact than what can be read back."""
    estimates: Estimates | None = None


def fingerprint(status: Json) -> bytes:
    """Return what stands for *status*, whatever the order of its names."""
    return sha256(json.dumps(status, sort_keys=True).encode()).digest()


@dataclass(slots=True)
class Shelf:
    """The APIs that were asked about last."""

    most: int = APIS_MOST
    _held: OrderedDict[str, Held] = field(default_factory=OrderedDict)

    def of(self, api: str) -> Held | None:
        """Return what is held of *api*, None where it is new, or was let go."""
        return self._held.get(api)

    def keep(self, api: str, held: Held) -> None:
        """Hold on to *held*; the API that has not been kept for the longest time goes when there are too many."""
        self._held[api] = held
        self._held.move_to_end(api)
        if len(self._held) > self.most:
            self._held.popitem(last=False)
