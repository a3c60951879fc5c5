"""All checks, in the order in which findings are listed: how an experienced engineer looks, the framework last."""

from collections.abc import Callable, Sequence

from apituner.core.checks import database_access, external_calls, framework, payload_and_serialization, pools_and_workers
from apituner.core.evidence import Evidence
from apituner.core.finding import Finding

CHECKS: Sequence[Callable[[Evidence], Finding]] = (
    *database_access.CHECKS,
    *external_calls.CHECKS,
    *payload_and_serialization.CHECKS,
    *pools_and_workers.CHECKS,
    *framework.CHECKS,
)
