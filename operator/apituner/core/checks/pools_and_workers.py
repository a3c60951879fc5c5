"""Contention for what the API itself has: pods, CPU, loops, memory, threads and connections; causes before their symptoms."""

from collections.abc import Callable, Sequence

from apituner.core.checks.pods import nothing_lies_idle, pods_are_ready
from apituner.core.checks.pools import budget_has_room, pool_is_not_starved, pools_match_the_load, threads_suffice
from apituner.core.checks.workers import (
    background_work_is_small,
    loop_is_not_blocked,
    workers_are_not_throttled,
    workers_fit_the_cpu,
    workers_fit_the_memory,
    workers_have_cpu,
)
from apituner.core.evidence import Evidence
from apituner.core.finding import Finding

CHECKS: Sequence[Callable[[Evidence], Finding]] = (
    pods_are_ready,
    budget_has_room,
    workers_are_not_throttled,
    loop_is_not_blocked,
    workers_have_cpu,
    workers_fit_the_cpu,
    workers_fit_the_memory,
    threads_suffice,
    pools_match_the_load,
    pool_is_not_starved,
    background_work_is_small,
    nothing_lies_idle,
)
