"""Problems for the solver: small enough to be solved by trying everything, and odd enough to break what is merely usual."""

from dataclasses import replace

from hypothesis import strategies as st

from apituner.core.calibration import Calibration
from apituner.core.configuration import Configuration
from apituner.core.demand import ServiceDemand
from apituner.core.laws import Usl
from apituner.core.policy import Objective
from apituner.core.problem import Problem
from builders import a_policy, a_workload
from strategies import configurations, policies

MIB = 2.0**20
ORDERS = ServiceDemand(arrivals_rps=90, cpu_s=0.004, loop_s=0.004, acquisitions=1, hold_s=0.04, elsewhere_s=0.04, worker_bytes=90 * MIB)
"""The starved API: 90 requests per second hold a connection for 40 ms each."""


def a_problem(here: Configuration, demand: ServiceDemand = ORDERS, **policy: object) -> Problem:
    """Return a problem of the usual policy and workload."""
    return Problem(here=here, demand=demand, policy=a_policy(**policy), workload=a_workload(here))


def curves() -> st.SearchStrategy[Usl]:
    """Databases whose knee lies at 2 to 60 queries at once."""
    return st.builds(Usl, base_s=st.floats(0.001, 0.03), contention=st.floats(0, 0.2), coherency=st.floats(0.0002, 0.2))


@st.composite
def any_demands(draw: st.DrawFn) -> ServiceDemand:
    """Demands with all that may be known of them: blocked loops, a curve, queries that hold a connection for some of the time."""
    hold_s = draw(st.floats(0.001, 0.08))
    queries = draw(st.sampled_from([0.0, 0.5, 1.0, 3.0]))
    return ServiceDemand(
        arrivals_rps=draw(st.floats(1, 150)),
        cpu_s=draw(st.floats(0.0005, 0.01)),
        loop_s=draw(st.floats(0.0005, 0.01)),
        acquisitions=draw(st.sampled_from([0.0, 0.5, 1.0, 3.0])),
        hold_s=hold_s,
        elsewhere_s=draw(st.floats(0.0, 0.09)),
        worker_bytes=draw(st.none() | st.floats(50 * MIB, 300 * MIB)),
        blocked_s=draw(st.just(0.0) | st.floats(0.0, 0.03)),
        queries=queries,
        query_s=draw(st.floats(0.0005, 0.04)) if queries else 0.0,
        curve=draw(st.none() | st.none() | curves()),
        external_s=draw(st.floats(0, 0.05)),
        windows=draw(st.integers(0, 100)),
        relative_error=draw(st.floats(0, 0.5)),
    )


@st.composite
def any_problems(draw: st.DrawFn, *, databases: bool = True) -> Problem:
    """Problems of every kind: none of today's pods, overflow that is not ours, missing knobs, memory, budget, knee."""
    here = draw(configurations())
    if draw(st.integers(0, 9)) == 0:
        here = Configuration(replicas=0, workers=here.workers, pool_size=here.pool_size, max_overflow=here.max_overflow)
    policy, demand = draw(policies()), draw(any_demands())
    objective = Objective(percentile=draw(st.sampled_from([50, 90, 95, 99])), latency_s=draw(st.floats(0.05, 0.6)), error_ratio=0.01)
    return Problem(
        here=here,
        demand=demand if databases else replace(demand, curve=None),
        policy=a_policy(
            knobs=policy.knobs,
            sets_overflow=policy.sets_overflow,
            engines_per_worker=policy.engines_per_worker,
            connection_limit=policy.connection_limit if databases else None,
            objective=objective,
        ),
        workload=a_workload(
            here,
            cpu_request_cores=draw(st.sampled_from([None, 0.05, 0.5, 2.0])),
            cpu_limit_cores=draw(st.sampled_from([None, 0.5, 1.0, 1.5, 2.0])),
            memory_limit_bytes=draw(st.sampled_from([None, 256 * MIB, 1024 * MIB])),
        ),
        calibration=Calibration(factor=draw(st.floats(0.5, 1.2))),
        burst_s=draw(st.sampled_from([0.0, 0.05, 0.3])),
        base_bytes=draw(st.sampled_from([0.0, 100 * MIB])),
    )
