"""
Measures what one decision costs, and prints it: time of `decide` and of `solve`, and memory per tuned API.

A few hundred random situations over knobs of 50 replicas x 8 workers x 60 connections, each asked several times; the median and the p99 are
of the fastest of these, so that a busy machine shows less than the code.
"""

import gc
import random
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from statistics import median, quantiles
from time import process_time

from apituner.core.configuration import Configuration, Knob
from apituner.core.decide import decide
from apituner.core.demand import in_force, service_demand
from apituner.core.diagnosis import Bottleneck
from apituner.core.laws import Usl
from apituner.core.memory import Memory
from apituner.core.policy import Bounds, ConnectionLimit, Objective
from apituner.core.problem import Problem
from apituner.core.situation import Situation
from apituner.core.snapshot import Snapshot
from apituner.core.solver import solve
from builders import NOON, a_policy, a_snapshot, a_workload

_SITUATIONS = 300
_TURNS = 5
_KNOBS = {Knob.REPLICAS: Bounds(least=1, most=50), Knob.WORKERS: Bounds(least=1, most=8), Knob.POOL: Bounds(least=1, most=60)}
# What one core may take for a decision, and what an API may hold in memory.
_MEDIAN_MS, _P99_MS, _KIB = 1.0, 5.0, 20.0


def situations(number: int, seed: int = 7) -> Iterator[Situation]:
    """Yield APIs of all sizes: in turn starved of connections, short of CPU, and with nothing wrong; some with a limit that binds."""
    dice = random.Random(seed)  # noqa: S311 - made-up APIs, not secrets
    for turn in range(number):
        replicas, workers, cores = dice.randint(1, 40), dice.randint(1, 8), dice.choice([None, 1.0, 2.0, 4.0])
        starved, busy = turn % 3 == 0, turn % 3 == 1
        usable = replicas * min(workers, cores or workers)
        cpu_s, hold_s = dice.uniform(0.001, 0.012), dice.uniform(0.002, 0.08)
        rps = usable * dice.uniform(*((0.7, 0.95) if busy else (0.05, 0.5))) / cpu_s
        out = rps * hold_s / (replicas * workers)
        at = Configuration(replicas=replicas, workers=workers, pool_size=max(1, round(out / 0.95) if starved else round(out * 2) + 3))
        if starved:
            hold_s = 0.95 * at.connections(1) / rps
        wait_s, query_s = dice.uniform(0.1, 0.4) if starved else 0.0, hold_s * dice.uniform(0.3, 1)
        inside_s = wait_s + hold_s + 3 * cpu_s + dice.uniform(0, 0.03)
        seen = a_snapshot(
            at,
            requests_rps=rps,
            cpu_cores=rps * cpu_s,
            loop_cpu_cores=0.9 * rps * cpu_s,
            pool_wait_mean_s=wait_s,
            pool_hold_mean_s=hold_s,
            pool_acquisitions_rps=rps,
            pool_in_use=rps * hold_s,
            queries_rps=rps,
            query_mean_s=query_s,
            latency_mean_s=inside_s,
            latency_objective_s=2.5 * inside_s,
            over_objective_ratio=0.3 if starved or busy else 0.0,
        )
        limit = dice.choice([None, dice.randint(20, 400), 2000])
        policy = a_policy(
            knobs=_KNOBS,
            objective=Objective(percentile=dice.choice([90, 95, 99]), latency_s=2.5 * inside_s * dice.uniform(0.4, 1.1), error_ratio=0.01),
            connection_limit=None if limit is None else ConnectionLimit(connections=limit, because="the benchmark's"),
        )
        workload = a_workload(at, cpu_limit_cores=cores, memory_limit_bytes=dice.choice([None, 2.0**30]))
        bottleneck = Bottleneck.POOL_STARVED if starved else Bottleneck.WORKER_CPU
        memory = Memory(bottleneck=bottleneck, since=NOON - timedelta(hours=1), query_floor_s=query_s)
        yield Situation(workload=workload, seen=seen, policy=policy, memory=memory, now=NOON)


def problems(every: list[Situation], seed: int = 7) -> Iterator[Problem]:
    """Yield each situation as the solver gets it, whatever the bottleneck; some with a database whose knee is known."""
    dice = random.Random(seed)  # noqa: S311 - likewise
    for at in every:
        if isinstance(at.seen, Snapshot):
            here = in_force(at.seen, at.workload, at.policy)
            demand = service_demand(at.seen, here, at.policy)
            if dice.random() < 1 / 3:
                knee = dice.uniform(10, 300)
                curve = Usl(base_s=demand.hold_s / 2, contention=0.02, coherency=0.98 / knee**2)
                demand = replace(demand, queries=1, query_s=demand.hold_s / 2, curve=curve)
            yield Problem(here=here, demand=demand, policy=at.policy, workload=at.workload)


def main() -> None:
    """Measure, print, and fail when a bar is missed."""
    every = list(situations(_SITUATIONS))
    missed = [
        _timed("decide", [partial(decide, at) for at in every]),
        _timed("solve", [partial(solve, one) for one in problems(every)]),
        _memory(every),
    ]
    sys.exit(any(missed))


def _timed(name: str, calls: list[Callable[[], object]]) -> bool:
    took_ms = []
    gc.collect()
    for call in calls:
        turns = []
        for _ in range(_TURNS):
            began = process_time()
            call()
            turns.append((process_time() - began) * 1e3)
        took_ms.append(min(turns))
    middle, p99 = median(took_ms), quantiles(took_ms, n=100)[98]
    sys.stdout.write(f"{name:7} median {middle:.2f} ms (at most {_MEDIAN_MS}), p99 {p99:.2f} ms (at most {_P99_MS}), ")
    sys.stdout.write(f"slowest {max(took_ms):.2f} ms, of {len(calls)} situations\n")
    return middle > _MEDIAN_MS or p99 > _P99_MS


def _memory(every: list[Situation]) -> bool:
    """Tell what stays from sweep to sweep: the memory of each API after a decision."""
    decide(every[0])
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [decide(at).memory for at in every]
    gc.collect()
    kib = (tracemalloc.get_traced_memory()[0] - before) / len(kept) / 1024
    tracemalloc.stop()
    sys.stdout.write(f"memory  {kib:.1f} KiB per tuned API (at most {_KIB})\n")
    return kib > _KIB


if __name__ == "__main__":
    main()
