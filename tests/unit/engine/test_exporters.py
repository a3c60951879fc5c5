"""An API whose exporter lacks signals: what is known is reported, what is missing is named, and nothing is bought."""

import pytest

from apituner.api.apituning import ApiTuningSpec
from apituner.core.snapshot import Absence, Signal
from apituner.engine.intent import intent
from fakes import World

LACKING = (
    Signal.LOOP_CPU_CORES,
    Signal.LOOP_LAG_MEAN_S,
    Signal.LOOP_LAG_P99_S,
    Signal.LOOP_BLOCKED_RATIO,
    Signal.POOL_WAIT_MEAN_S,
    Signal.POOL_HOLD_MEAN_S,
    Signal.POOL_ACQUISITIONS_RPS,
    Signal.POOL_LIMIT,
    Signal.POOL_OVERFLOW,
    Signal.POOL_TIMEOUTS_RPS,
    Signal.QUERIES_RPS,
    Signal.QUERY_MEAN_S,
    Signal.WORKERS_ALIVE,
)


async def test_p1_what_an_exporter_has_is_reported_and_nothing_is_bought() -> None:
    """Rate and latency are shown, though p95 is three times the objective nothing is changed, and the condition says what to add."""
    world = World()
    deployment = world.deploy(absent=dict.fromkeys(LACKING, Absence.NOT_EXPORTED))
    world.tune()

    await world.run(20)

    assert deployment.written == []
    assert world.decision() == ("Hold", "SignalsMissing")
    status, reason, message = world.condition("MetricsAvailable")
    assert (status, reason) == ("False", "SignalsMissing")
    assert "instrument(app, engine=engine)" in message
    observed = world.status()["observed"]
    # What the API itself measures: it does not tell how long a request waits for the loop.
    assert (observed["requestsPerSecond"], observed["latencyMilliseconds"], observed["cpuMillicores"]) == (90, 900, 400)
    assert {"poolWaitMilliseconds", "poolLimit", "loopLagMilliseconds", "queryMilliseconds"}.isdisjoint(observed)
    assert world.condition("ObjectiveMet")[0] == "Unknown"


async def test_a_lag_that_is_not_known_now_leaves_no_latency() -> None:
    """An exporter that tells of loops and has lost them for a moment: half of the latency is not shown for the whole."""
    world = World()
    world.deploy(absent={Signal.LOOP_LAG_MEAN_S: Absence.STALE})
    world.tune()

    await world.run(1)

    assert "latencyMilliseconds" not in world.status()["observed"]


@pytest.mark.parametrize(
    ("expected", "metrics"),
    [
        pytest.param(None, {}, id="nothing said"),
        pytest.param(None, {"preset": "Auto"}, id="whichever is there"),
        pytest.param("StarletteExporter", {"preset": "StarletteExporter"}, id="one by name"),
    ],
)
def test_the_spec_names_the_preset(expected: str | None, metrics: dict[str, str]) -> None:
    """Auto is to name none."""
    spec = {"targetRef": {"name": "orders"}, "objective": {"latency": {"milliseconds": 250}}, "knobs": {"replicas": {"min": 1, "max": 2}}}
    target = intent("shop", "orders", ApiTuningSpec.model_validate(spec | {"metrics": metrics}), stabilization_s=30).target

    assert expected == target.preset
