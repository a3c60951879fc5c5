"""From one line to its answer, by the very functions of the operator's sweep: the page that calls all the others."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from apituner.api.apituning import ApiTuningSpec
from apituner.cli.filter.answer import answered, refused
from apituner.cli.filter.documents import Json, document
from apituner.cli.filter.drawn import drawn
from apituner.cli.filter.durable import durable
from apituner.cli.filter.held import Estimates, Held, Shelf, fingerprint
from apituner.cli.filter.lines import LINE_MOST_BYTES
from apituner.cli.filter.malformed import Malformed, validated
from apituner.cli.filter.question import Question, question, told_id
from apituner.cli.filter.snapshots import seen, snapshot
from apituner.cli.filter.workloads import workload
from apituner.core.demand import in_force
from apituner.core.policy import Policy
from apituner.core.situation import Situation
from apituner.core.snapshot import Snapshot, Unobserved
from apituner.core.trust import gap
from apituner.core.workload import Workload
from apituner.engine.conclude import concluded
from apituner.engine.intent import Intent, intent
from apituner.engine.report import Sighting, status_of
from apituner.kube.conditions import merged_conditions
from apituner.kube.nulls import without_nulls
from apituner.settings import Settings

_log = logging.getLogger("apituner.decisions")

_STABILIZATION_S = Settings.model_construct().stabilization_s
"""As an operator has it that nobody configured."""


@dataclass(slots=True)
class Brain:
    """The brain, and what it holds in memory of the APIs that it was asked about."""

    unlearned: Estimates | None = None
    """What is held of an API before its first window."""
    _shelf: Shelf = field(default_factory=Shelf)

    def answer(self, line: bytes | None) -> bytes:
        """Return the answer to *line*, None for one that was too long: one line of ASCII, the same at every run."""
        return json.dumps(self._answer(line), separators=(",", ":")).encode("ascii")

    def _answer(self, line: bytes | None) -> Json:
        if line is None:
            return refused(None, f"line: is longer than {LINE_MOST_BYTES} bytes")
        api = None
        try:
            asked = document(line)
            api = told_id(asked)
            return self._decided(question(asked))
        except Malformed as error:
            return refused(api, str(error))
        except Exception as error:  # noqa: BLE001 - the boundary between lines
            # As between the objects of a sweep: a bug at one must not cost the others their answers.
            _log.exception("fault")
            return refused(api, f"line: the brain failed at it ({type(error).__name__}): report this as a bug, with the line")

    def _decided(self, asked: Question) -> Json:
        """Answer *asked*; what is held changes only when the whole line is understood."""
        wanted = intent(*_names(asked.id), validated(ApiTuningSpec, asked.spec, "spec"), stabilization_s=_STABILIZATION_S)
        held, last = self._recalled(asked)
        at, held = _situation(asked, wanted, held)
        conclusion, decision = concluded(at, drawn(asked.budget, named=wanted.budget is not None))
        sighting = Sighting(generation=0, policy=wanted.policy, seen=at.seen, conclusion=conclusion, now=at.now)
        status = _status(sighting, last)
        rollouts = held.rollouts.asking_for(decision.step, at.now)
        self._shelf.keep(asked.id, replace(held, rollouts=rollouts, told=fingerprint(status), memory=decision.memory))
        return answered(asked.id, at.now, decision, status)

    def _recalled(self, asked: Question) -> tuple[Held, Json]:
        """Return what is held of the API, and its last status; where that is not the one that was told last, the memory is read from it."""
        held = None if asked.restart else self._shelf.of(asked.id)
        if held is not None and isinstance(asked.status, dict) and fingerprint(asked.status) == held.told:
            return held, asked.status
        last, memory = durable(asked.status)
        held = held or Held(estimates=self.unlearned)
        program = (last.get("lastChange") or {}).get("templateHash") or held.rollouts.program
        return replace(held, memory=memory, rollouts=replace(held.rollouts, program=program)), last


def _names(api: str) -> tuple[str, str]:
    """Return the namespace and the name that an id stands for."""
    namespace, slash, name = api.partition("/")
    return (namespace, name) if slash else ("default", api)


def _situation(asked: Question, wanted: Intent, held: Held) -> tuple[Situation, Held]:
    """Return all that the decision rests on, and what is held after looking."""
    told, found = workload(asked.deployment, wanted.target), seen(asked.signals, asked.now)
    rollouts = held.rollouts.seeing(told, asked.now, counts_ending=asked.deployment.terminating_replicas is not None)
    told = rollouts.dated(told)
    estimates = _learned(held.estimates, [*map(snapshot, asked.history), found], told, wanted.policy)
    at = Situation(workload=told, seen=found, policy=wanted.policy, memory=held.memory, now=asked.now)
    return at, replace(held, rollouts=rollouts, estimates=estimates)


def _learned(estimates: Estimates | None, windows: Sequence[Snapshot | Unobserved], told: Workload, policy: Policy) -> Estimates | None:
    """Fold *windows* into the estimates, the oldest first; of a window that cannot be trusted nothing is learned."""
    for one in windows:
        if estimates is not None and isinstance(one, Snapshot) and gap(one, told, policy) is None:
            estimates = estimates.seeing(one, in_force(one, told, policy), told, policy)
    return estimates


def _status(sighting: Sighting, last: Json) -> Json:
    """Return the status as the API server would keep it."""
    told = status_of(sighting, last)
    kept: Json = without_nulls({**told, "conditions": merged_conditions(last.get("conditions") or [], told["conditions"], sighting.now)})
    return kept
