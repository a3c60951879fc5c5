"""What the line says of the connection budget, as the ledger of a sweep would have it."""

from apituner.cli.filter.question import BudgetPart
from apituner.core.policy import ConnectionLimit
from apituner.engine.conclude import Drawn
from apituner.engine.conditions import BudgetFault


def drawn(told: BudgetPart | None, *, named: bool) -> Drawn:
    """
    Return what this API may hold: what it was granted and what is free, which together are the limit less what the others hold.

    *named*: the spec names a budget. Where it does and the line has none, nothing may be changed: not known is not unlimited.
    """
    if told is None:
        because = "spec.connectionBudgetRef names a budget and the line has none: give budget, or leave the reference out"
        return Drawn(limit=BudgetFault(reason="BudgetNotFound", because=because) if named else None, overdrawn=None, named=named)
    connections = max(0, min(told.limit, told.granted_to_this + told.free))
    because = f"{told.limit} connections in all, {max(0, told.limit - connections)} held by other APIs"
    overdrawn = None
    if told.free < 0:
        because_over = f"the APIs of the budget may hold {-told.free} connections more than {told.limit}"
        overdrawn = BudgetFault(reason="BudgetOverdrawn", because=because_over)
    return Drawn(limit=ConnectionLimit(connections=connections, because=because), overdrawn=overdrawn, named=True)
