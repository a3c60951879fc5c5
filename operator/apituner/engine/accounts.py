"""The ledgers of all budgets during one sweep: filled before the first decision, kept up to date with each, reported at the end."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from apituner.api.connectionbudget import ConnectionBudgetSpec
from apituner.api.status import GRANTS_MOST
from apituner.api.words import SENTENCE_MOST
from apituner.core.configuration import Configuration
from apituner.core.demand import configured, in_force
from apituner.core.memory import Memory
from apituner.core.policy import ConnectionLimit
from apituner.core.snapshot import Signal, Snapshot, Unobserved
from apituner.core.trust import gap
from apituner.core.workload import SettingName, TargetFault, Workload
from apituner.engine.budgets import Holding, Ledger, Unknown, holding
from apituner.engine.conditions import BudgetFault
from apituner.engine.intent import Intent
from apituner.engine.registry import Resource


@dataclass(slots=True)
class Accounts:
    """One ledger for every budget that can be read, and a fault for every other."""

    _budgets: dict[tuple[str, str], Resource]
    _ledgers: dict[tuple[str, str], Ledger] = field(default_factory=dict)
    _faults: dict[tuple[str, str], BudgetFault] = field(default_factory=dict)
    _allowed: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """The namespaces that may draw on a budget."""

    @classmethod
    def opened(cls, budgets: Iterable[Resource]) -> "Accounts":
        """Open an empty ledger for each of *budgets*."""
        accounts = cls({one.key: one for one in budgets})
        for key, one in accounts._budgets.items():
            try:
                spec = ConnectionBudgetSpec.model_validate(one.spec)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in ("spec", *first["loc"]))
                accounts._faults[key] = BudgetFault(reason="BudgetRefused", because=f"ConnectionBudget {one.name}: {where}: {first['msg']}")
                continue
            accounts._allowed[key] = frozenset({one.namespace, *spec.allowed_namespaces})
            because = f"{spec.max_connections} connections less {spec.reserved} reserved"
            accounts._ledgers[key] = Ledger(limit=spec.max_connections - spec.reserved, because=because, holdings=())
        return accounts

    def enter(self, wanted: Intent, entry: Holding | Unknown) -> None:
        """Write what one API may hold into the ledger of its budget, in place of what stood there."""
        key = wanted.budget
        if key in self._ledgers and wanted.target.namespace in self._allowed[key]:
            self._ledgers[key] = self._ledgers[key].with_entry(entry)

    def enter_refused(self, one: Resource, fault: TargetFault) -> None:
        """
        Write what an API whose spec cannot be followed may hold: its pods hold connections all the same.

        The second of two on one Deployment is left out: the first speaks for the pods of both.
        """
        named = one.spec.get("connectionBudgetRef")
        if not isinstance(named, Mapping) or fault.reason == "DuplicateTarget":
            return
        key = named.get("namespace") or one.namespace, named.get("name", "")
        if key in self._ledgers and one.namespace in self._allowed[key]:
            found = self._granted(key, one.key) or Unknown(namespace=one.namespace, name=one.name)
            self._ledgers[key] = self._ledgers[key].with_entry(found)

    def granted(self, wanted: Intent) -> Holding | None:
        """Return what the budget's status says this API was granted; what is left when its pods cannot be seen."""
        return self._granted(wanted.budget, (wanted.target.namespace, wanted.target.name)) if wanted.budget is not None else None

    def _granted(self, key: tuple[str, str], api: tuple[str, str]) -> Holding | None:
        budget = self._budgets.get(key)
        for one in (budget.status.get("granted") or ()) if budget is not None else ():
            if (one["namespace"], one["name"]) == api:
                return Holding(namespace=one["namespace"], name=one["name"], connections=one["connections"], at_peak=one["atPeak"])
        return None

    def limit_for(self, wanted: Intent) -> ConnectionLimit | BudgetFault | None:
        """Return the most that one API may hold now, None where its spec names no budget."""
        if wanted.budget is None:
            return None
        if wanted.budget in self._faults:
            return self._faults[wanted.budget]
        namespace, name = wanted.budget
        ledger = self._ledgers.get(wanted.budget)
        if ledger is None:
            because = f"there is no ConnectionBudget {name} in namespace {namespace}: create it, or correct spec.connectionBudgetRef"
            return BudgetFault(reason="BudgetNotFound", because=because)
        if wanted.target.namespace not in self._allowed[wanted.budget]:
            because = f"ConnectionBudget {namespace}/{name} does not name {wanted.target.namespace} in spec.allowedNamespaces: add it there"
            return BudgetFault(reason="BudgetNotAllowed", because=because)
        return ledger.limit_for(wanted.target.namespace, wanted.target.name)

    def overdrawn(self, wanted: Intent) -> BudgetFault | None:
        """Say so when the APIs of the budget together may exceed it as they stand: a fault to report, while shrinking goes on."""
        ledger = self._ledgers.get(wanted.budget) if wanted.budget is not None else None
        if ledger is None or wanted.budget is None or not ledger.overdrawn:
            return None
        because = (
            f"the APIs of budget {wanted.budget[1]} may hold {ledger.overdrawn} connections more than {ledger.limit} ({ledger.because})"
        )
        return BudgetFault(reason="BudgetOverdrawn", because=because)

    def reports(self) -> Iterator[tuple[Resource, dict[str, Any]]]:
        """Yield the status of every budget."""
        for key, one in self._budgets.items():
            fault, ledger = self._faults.get(key), self._ledgers.get(key)
            yield one, _status(one.generation, fault, ledger)


def entry(
    wanted: Intent, workload: Workload | TargetFault, seen: Snapshot | Unobserved, memory: Memory, granted: Holding | None
) -> Holding | Unknown:
    """Return what one API may hold: by what its processes report and its template asks for; unseen, no less than it was granted."""
    target = wanted.target
    if isinstance(workload, TargetFault):
        if workload.reason == "TargetNotFound":
            return Holding(namespace=target.namespace, name=target.name, connections=0, at_peak=0)
        return granted or Unknown(namespace=target.namespace, name=target.name)
    pools_are_known = isinstance(seen, Snapshot) and seen.get(Signal.POOL_LIMIT) is not None
    if isinstance(seen, Snapshot) and pools_are_known and gap(seen, workload, wanted.policy) is None:
        effective = in_force(seen, workload, wanted.policy)
        return holding(target, workload, (effective, configured(workload, effective)), memory)
    template = _template(workload)
    if template is None:
        return granted or Unknown(namespace=target.namespace, name=target.name)
    priced = holding(target, workload, (template,), memory)
    if granted is None:
        return priced
    # What the template asks for need not be what the processes hold, and a decrease counts only once it is seen.
    return replace(priced, connections=max(priced.connections, granted.connections), at_peak=max(priced.at_peak, granted.at_peak))


def _template(workload: Workload) -> Configuration | None:
    """Return what the pod template asks for, None where it does not say all of it."""
    values: Mapping[SettingName, int | None] = {name: one.value for name, one in workload.settings.items()}
    workers, size, overflow = (values.get(name) for name in SettingName)
    if workers is None or size is None or overflow is None:
        return None
    return Configuration(replicas=workload.replicas, workers=workers, pool_size=size, max_overflow=overflow)


def _status(generation: int, fault: BudgetFault | None, ledger: Ledger | None) -> dict[str, Any]:
    holdings = [one for one in ledger.holdings if isinstance(one, Holding)] if ledger is not None else []
    grants = [
        {"namespace": one.namespace, "name": one.name, "connections": one.connections, "atPeak": one.at_peak}
        for one in sorted(holdings, key=lambda one: (one.namespace, one.name))
    ]
    truth, reason, message = "True", "Fits", "all APIs together stay within the limit, rollouts included"
    if ledger is None:
        truth, reason, message = "Unknown", "NotEvaluated", "the spec cannot be read"
    elif ledger.overdrawn:
        truth, reason = "False", "BudgetOverdrawn"
        message = f"the APIs may together hold {ledger.overdrawn} connections more than the limit"
    elif ledger.unknown:
        truth, reason = "Unknown", "HoldingUnknown"
        message = "not known how many connections may be held by " + ", ".join(one.name for one in ledger.unknown)
    if fault is not None:
        truth, reason, message = "False", fault.reason, fault.because
    return {
        "limit": ledger.limit if ledger is not None else None,
        "granted": grants[:GRANTS_MOST],
        "free": ledger.limit - sum(one.at_peak for one in holdings) if ledger is not None else None,
        "conditions": [
            {
                "type": "Ready",
                "status": truth,
                "reason": reason,
                "message": message[:SENTENCE_MOST],
                "observedGeneration": generation,
            }
        ],
    }
