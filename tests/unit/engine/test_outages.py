"""What cannot be seen is not zero: without trusted figures nothing changes, the status says so, and work goes on by itself afterwards."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apituner.core.snapshot import Absence, Signal, Unobserved
from apituner.core.trust import _NEEDED, _NEEDED_OF_A_POOL
from builders import a_configuration
from fakes import World

DOWN = Unobserved(reason=Absence.UNREACHABLE, because="Prometheus at http://prometheus:9090 does not answer; see that it runs")


async def test_prometheus_down_is_told_at_the_next_sweep_and_recovers_by_itself() -> None:
    """MetricsAvailable turns False with the reason and back, one Event, no write to the Deployment in between."""
    world = World()
    deployment = world.deploy(at=a_configuration(2, 1, 5))
    world.tune()
    await world.run(3)
    world.unobserved["*"] = DOWN

    await world.run(1)

    assert ("False", "Unreachable", DOWN.because) == world.condition("MetricsAvailable")
    assert world.condition("Ready")[:2] == ("False", "Unreachable")
    assert world.condition("ObjectiveMet")[:2] == ("Unknown", "NotEvaluated")
    assert "observed" not in world.status()
    writes = world.writes["orders"]
    await world.run(20)
    assert writes == world.writes["orders"]
    assert world.told() == ["Unreachable"]
    world.unobserved.clear()
    await world.run(1)
    assert world.condition("MetricsAvailable")[:2] == ("True", "Trusted")
    assert world.decision() == ("Keep", "NothingWrong")
    assert deployment.written == []


@pytest.mark.parametrize("at", range(1, 8))
async def test_prometheus_down_in_mid_change_holds_the_change(at: int) -> None:
    """Whenever it goes, nothing is written while it is away; afterwards the change is finished, and once."""
    world = World()
    deployment = world.deploy()
    world.tune(knobs={"replicas": {"min": 3, "max": 3}, "pool": {"min": 2, "max": 15, "sizeEnv": "SIZE", "overflowEnv": "OVER"}})
    await world.run(at)
    before = list(deployment.written)
    world.unobserved["*"] = DOWN

    await world.run(8)

    assert before == deployment.written
    world.unobserved.clear()
    await world.run(16)
    assert deployment.written == ["scale to 3 replicas", "roll out 1 workers x pool 4, overflow 0"]


@settings(max_examples=20, deadline=None)
@given(
    absent=st.dictionaries(st.sampled_from([*_NEEDED, *_NEEDED_OF_A_POOL]), st.sampled_from(list(Absence)), min_size=1, max_size=4),
    starved=st.booleans(),
)
async def test_a_missing_signal_never_leads_to_a_write(absent: dict[Signal, Absence], starved: bool) -> None:  # noqa: FBT001 - drawn
    """Starved or idle: with any needed figure absent the Deployment stays, and the status says which."""
    world = World()
    deployment = world.deploy(at=a_configuration(4, 1, 2 if starved else 15), absent=absent)
    world.tune()

    await world.run(8)

    assert deployment.written == []
    assert world.condition("MetricsAvailable")[0] == "False"
    assert "recommendation" not in world.status()


@pytest.mark.parametrize(
    ("readings", "facts", "reason"),
    [
        pytest.param({"requests_rps": 0.0}, {}, "NoTraffic", id="no request in the window"),
        pytest.param({"requests_rps": 0.5}, {}, "TooFewRequests", id="a handful of requests"),
        pytest.param({"workers_alive": 1.0}, {}, "SignalsContradict", id="fewer workers than pods"),
        pytest.param(
            {}, {"ready_replicas": 3, "total_replicas": 3, "updated_replicas": 3, "replicas": 3}, "PartialCoverage", id="a silent pod"
        ),
    ],
)
async def test_figures_that_cannot_be_trusted_name_their_reason(readings: dict[str, float], facts: dict[str, int], reason: str) -> None:
    """Within one sweep, and nothing is written however long it lasts."""
    world = World()
    deployment = world.deploy(readings=readings, facts=facts)
    world.tune()

    await world.run(1)

    assert ("False", reason) == world.condition("MetricsAvailable")[:2]
    await world.run(6)
    assert deployment.written == []


async def test_a_break_in_what_is_seen_begins_the_evidence_anew() -> None:
    """Two looks at a bottleneck with an outage between them are not a bottleneck that lasted."""
    world = World()
    deployment = world.deploy()
    world.tune()
    await world.run(2)
    world.unobserved["*"] = DOWN
    await world.run(1)
    world.unobserved.clear()

    await world.run(2)

    assert world.decision() == ("Hold", "Stabilizing")
    assert deployment.written == []


async def test_an_observer_that_raises_ends_the_sweep_before_any_write() -> None:
    """A bug in the observer must not be taken for an answer."""
    world = World()
    deployment = world.deploy()
    world.tune()
    await world.run(2)
    world.unobserved["*"] = RuntimeError("bug")

    with pytest.raises(RuntimeError, match="bug"):
        await world.sweep()

    assert deployment.written == []
