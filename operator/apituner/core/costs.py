"""What a configuration costs, the way there included: the order in which the solver prefers one to another."""

from typing import NamedTuple

from apituner.core.configuration import Configuration
from apituner.core.problem import Problem

# Prices in CPU cores. A pod costs the CPU it reserves; a worker is some 60 MiB of memory, a connection is a PostgreSQL backend of 5 to
# 10 MiB, a rollout is a minute of surge pods spread over an hour.
_POD_LEAST_CORES = 0.1
_WORKER_CORES = 0.02
_CONNECTION_CORES = 0.002
_ROLLOUT_CORES = 0.05
_POD_MOVED_CORES = 0.01


class Price(NamedTuple):
    """
    What pods and workers cost, and then what their pools do, in CPU cores.

    The first comes first, whatever the second: it does not depend on the load, so that with more of it no fewer processes are chosen, and
    a connection decides only between equals.
    """

    processes_cores: float
    pool_cores: float

    @property
    def cores(self) -> float:
        """Both together."""
        return self.processes_cores + self.pool_cores


def price(problem: Problem, there: Configuration) -> Price:
    """Return the price of *there*; a rollout belongs to the processes where their number per pod changes, to the pool elsewhere."""
    rolls_out = there.workers == problem.here.workers and not there.same_template(problem.here)
    connections = there.connections(problem.policy.engines_per_worker)
    return Price(
        processes_cores(problem, there.replicas, there.workers),
        connections * _CONNECTION_CORES + (_ROLLOUT_CORES if rolls_out else 0.0),
    )


def processes_cores(problem: Problem, replicas: int, workers: int) -> float:
    """Return the price of so many pods and workers, which grows with the pods."""
    pod = max(_POD_LEAST_CORES, problem.workload.cpu_request_cores or problem.workload.cpu_limit_cores or 1.0)
    rollout = 0.0 if workers == problem.here.workers else _ROLLOUT_CORES
    return replicas * (pod + workers * _WORKER_CORES) + rollout + abs(replicas - problem.here.replicas) * _POD_MOVED_CORES
