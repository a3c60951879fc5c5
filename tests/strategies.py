"""Made-up values for properties: small worlds, so that everything in them can be enumerated."""

import os

from hypothesis import settings
from hypothesis import strategies as st

from apituner.core.configuration import Configuration, Knob
from apituner.core.demand import ServiceDemand
from apituner.core.policy import Bounds, ConnectionLimit, Policy
from apituner.core.solver import Problem
from builders import a_policy, a_workload

# No deadline: a machine that is busy elsewhere is no fault of the code. In CI the examples are the same at every run.
settings.register_profile("dev", max_examples=60, deadline=None)
settings.register_profile("ci", max_examples=150, deadline=None, derandomize=True)
settings.load_profile("ci" if "CI" in os.environ else "dev")


def configurations(*, replicas: int = 5, workers: int = 3, pool: int = 6, overflow: int = 3) -> st.SearchStrategy[Configuration]:
    """Configurations up to these sizes."""
    return st.builds(
        Configuration,
        replicas=st.integers(1, replicas),
        workers=st.integers(1, workers),
        pool_size=st.integers(1, pool),
        max_overflow=st.integers(0, overflow),
    )


def bounds(most: int) -> st.SearchStrategy[Bounds]:
    """Bounds that are not empty, most often wide."""
    return st.tuples(st.integers(1, most // 2 + 1), st.integers(0, most - 1)).map(
        lambda pair: Bounds(least=pair[0], most=max(pair[0], most - pair[1]))
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Policies over small knobs, some left out, with and without a connection limit."""
    wanted = {Knob.REPLICAS: bounds(5), Knob.WORKERS: bounds(3), Knob.POOL: bounds(8)}
    named = draw(st.sets(st.sampled_from(list(Knob)), min_size=1))
    connections = draw(st.none() | st.integers(1, 300))
    return a_policy(
        knobs={knob: draw(wanted[knob]) for knob in Knob if knob in named},
        sets_overflow=draw(st.booleans()),
        engines_per_worker=draw(st.integers(1, 2)),
        connection_limit=None if connections is None else ConnectionLimit(connections=connections, because="the property's"),
    )


def demands() -> st.SearchStrategy[ServiceDemand]:
    """Demands of an API that a few pods can serve, or just not."""
    return st.builds(
        ServiceDemand,
        arrivals_rps=st.floats(1, 150),
        cpu_s=st.floats(0.0005, 0.01),
        loop_s=st.floats(0.0005, 0.01),
        acquisitions=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
        hold_s=st.floats(0.001, 0.08),
        elsewhere_s=st.floats(0.0, 0.09),
        worker_bytes=st.none() | st.floats(50 * 2**20, 300 * 2**20),
    )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Problems small enough to be solved by trying everything."""
    here = draw(configurations())
    workload = a_workload(
        here,
        cpu_limit_cores=draw(st.sampled_from([None, 0.5, 1.0, 2.0])),
        memory_limit_bytes=draw(st.sampled_from([None, 256.0 * 2**20, 1024.0 * 2**20])),
    )
    return Problem(here=here, demand=draw(demands()), policy=draw(policies()), workload=workload)
