"""Every preset against every signal: what it tells, what it has not, and that it says so."""

import math

import pytest

from apituner.api.words import SENTENCE_MOST
from apituner.core.decision import Decision, DecisionKind
from apituner.core.memory import Memory
from apituner.core.policy import Objective
from apituner.core.snapshot import Absence, Signal, Snapshot, Unobserved
from apituner.core.trust import INSTRUMENT, gap
from apituner.engine.conditions import Conclusion, conditions
from apituner.prometheus.figures import OF_THE_DATABASE
from apituner.prometheus.presets.apituner import APITUNER
from apituner.prometheus.presets.precedence import BY_NAME, PRESETS
from apituner.prometheus.presets.preset import Preset
from apituner.prometheus.presets.prometheus_fastapi_instrumentator import PROMETHEUS_FASTAPI_INSTRUMENTATOR
from apituner.prometheus.readout import Seen, readout
from apituner.prometheus.series import Count, Figure
from builders import NOON, a_policy, a_workload
from deployments import a_target

OTHERS = [pytest.param(preset, id=preset.name) for preset in PRESETS if preset is not APITUNER]
ALL = [pytest.param(preset, id=preset.name) for preset in PRESETS]
TRUSTED: dict[str, float] = {Count.SEEN: 2.0, Count.CURRENT: 2.0, Count.REPORTING: 2.0}

# Whatever exporter it is: what a request was, and what prometheus_client says of the process.
OF_ALL = {
    Signal.REQUESTS_RPS,
    Signal.ERRORS_RATIO,
    Signal.IN_FLIGHT,
    Signal.LATENCY_MEAN_S,
    Signal.LATENCY_OBJECTIVE_S,
    Signal.OVER_OBJECTIVE_RATIO,
    Signal.CPU_CORES,
    Signal.WORKER_RSS_MAX_BYTES,
}


def ones(preset: Preset) -> dict[str, float]:
    """Return every figure that an exporter can tell, each of them 1."""
    return dict.fromkeys(map(str, preset.figures), 1.0)


def seen(preset: Preset, numbers: dict[str, float] | None = None, buckets: dict[str, float] | None = None) -> Snapshot | Unobserved:
    """Read `shop/orders` out of a sweep that saw its pods with *preset*; by default with every figure that it can tell."""
    place = ("shop", "orders", preset.name)
    told = ones(preset) | {Figure.OWN_SCRAPES: 0.0} if numbers is None else numbers
    bounds = {"100.0": 0.5, "1000.0": 1.0, "+Inf": 1.0} if buckets is None else buckets
    sweep = Seen(taken_at=NOON, window_s=60, numbers={place: TRUSTED | told}, buckets={place: bounds})
    return readout(a_target(), sweep)


def snapshot(preset: Preset, numbers: dict[str, float] | None = None, buckets: dict[str, float] | None = None) -> Snapshot:
    """Return what must be observed."""
    answer = seen(preset, numbers, buckets)
    assert isinstance(answer, Snapshot)
    return answer


@pytest.mark.parametrize("preset", OTHERS)
@pytest.mark.parametrize("signal", list(Signal))
def test_what_an_exporter_tells(preset: Preset, signal: Signal) -> None:
    """Requests and the process it tells; loops, workers, pools and queries it has not, and that is the reason why they are absent."""
    answer = snapshot(preset)

    assert (signal in OF_ALL) == (signal in answer.readings)
    assert answer.absent.get(signal) is (None if signal in OF_ALL else Absence.NOT_EXPORTED)


def test_ours_tells_everything() -> None:
    """Where every figure is there no signal is absent but those of the database, which is another's to tell of."""
    assert snapshot(APITUNER).absent == dict.fromkeys(OF_THE_DATABASE, Absence.NOT_EXPORTED)


@pytest.mark.parametrize("preset", ALL)
def test_what_an_exporter_could_tell_but_does_not_is_not_there(preset: Preset) -> None:
    """An exporter without a single series but its marker has no signal, and none of them is zero."""
    answer = snapshot(preset, {}, {})

    assert answer.readings == {}
    assert {answer.absent[signal] for signal in OF_ALL} == {Absence.NO_SERIES}


@pytest.mark.parametrize("preset", ALL)
def test_without_traffic_there_is_no_latency(preset: Preset) -> None:
    """A pod that met only probes has no requests, and so neither a latency nor an error ratio."""
    answer = snapshot(preset, {Figure.REQUESTS: 0.0}, {})

    assert answer[Signal.REQUESTS_RPS] == 0
    of_a_request = {Signal.SERIALIZATION_MEAN_S, Signal.RESPONSE_MEAN_BYTES, Signal.BACKGROUND_MEAN_S} if preset is APITUNER else set()
    assert {signal for signal, reason in answer.absent.items() if reason is Absence.NO_TRAFFIC} == of_a_request | {
        Signal.ERRORS_RATIO,
        Signal.LATENCY_MEAN_S,
        Signal.LATENCY_OBJECTIVE_S,
        Signal.OVER_OBJECTIVE_RATIO,
    }
    found = gap(answer, a_workload(), a_policy())
    assert found is not None
    assert found.reason == "NoTraffic"


@pytest.mark.parametrize("preset", ALL)
def test_nan_is_never_a_signal(preset: Preset) -> None:
    """Whatever is no number is absent as such."""
    answer = snapshot(preset, dict.fromkeys(ones(preset), math.nan))

    assert answer.readings == {}
    assert {answer.absent[signal] for signal in OF_ALL} == {Absence.NOT_A_NUMBER}


def test_milliseconds_become_seconds() -> None:
    """The same buckets are a thousand times as long where they are told in seconds."""
    old, new = snapshot(BY_NAME["OpenTelemetryOld"]), snapshot(BY_NAME["OpenTelemetry"])

    # Half of the requests take up to 0.1 s, the others up to 1 s: 95 % are 9/10 of the way between the two.
    assert old[Signal.LATENCY_OBJECTIVE_S] == pytest.approx(0.1 + 0.9 * 0.9)
    assert new[Signal.LATENCY_OBJECTIVE_S] == pytest.approx(1000 * old[Signal.LATENCY_OBJECTIVE_S])


def test_two_ways_to_write_a_bound_are_one_bucket() -> None:
    """While one library takes the place of another, "1" and "1.0" both come."""
    mixed = snapshot(BY_NAME["OpenTelemetry"], None, {"0.5": 1.0, "1": 1.0, "1.0": 1.0, "+Inf": 2.0})

    assert mixed[Signal.LATENCY_OBJECTIVE_S] == pytest.approx(0.5 + 0.9 * 0.5)


@pytest.mark.parametrize("preset", OTHERS)
def test_a_scrape_that_the_api_answers_is_not_in_flight(preset: Preset) -> None:
    """Each of the pods whose API serves its own metrics has one request more whenever somebody looks, and never fewer than none."""
    assert snapshot(preset, {Figure.IN_FLIGHT: 5.0, Figure.OWN_SCRAPES: 2.0})[Signal.IN_FLIGHT] == 3
    assert snapshot(preset, {Figure.IN_FLIGHT: 5.0})[Signal.IN_FLIGHT] == 5
    assert snapshot(preset, {Figure.IN_FLIGHT: 1.5, Figure.OWN_SCRAPES: 2.0})[Signal.IN_FLIGHT] == 0


@pytest.mark.parametrize("preset", ALL)
def test_workers_that_answer_in_turn_are_told(preset: Preset) -> None:
    """No figure is believed of a pod that tells of one worker at a time; the sentence has the way out."""
    answer = seen(preset, ones(preset) | {Count.INCOMPLETE: 1.0})

    assert isinstance(answer, Unobserved)
    assert answer.reason is Absence.INCOMPLETE_WORKERS
    assert answer.because.startswith("1 pods of Deployment shop/orders ")
    assert "PROMETHEUS_MULTIPROC_DIR" in answer.because or "start one worker a pod" in answer.because
    # Ours says it itself; the counters of all others fall back.
    assert (preset is APITUNER) == ("resets" not in preset.incomplete)


@pytest.mark.parametrize("preset", ALL)
def test_pods_that_are_scraped_twice_are_told(preset: Preset) -> None:
    """Every sum would be too large: no figure is believed."""
    answer = seen(preset, ones(preset) | {Count.TWICE: 2.0})

    assert isinstance(answer, Unobserved)
    assert answer.reason is Absence.BAD_ANSWER
    assert "drop one of the scrape jobs" in answer.because


@pytest.mark.parametrize("preset", ALL)
def test_an_exporter_that_vanishes_while_its_pods_are_scraped(preset: Preset) -> None:
    """The pods still answer, but without it: another sentence than for pods that are silent."""
    place, scraped = ("shop", "orders", preset.name), ("shop", "orders", "")
    numbers: dict[tuple[str, str, str], dict[str, float]] = {place: {Count.SEEN: 2.0}, scraped: {Count.SCRAPED: 2.0}}

    answer = readout(a_target(), Seen(taken_at=NOON, window_s=60, numbers=numbers, buckets={}))

    assert isinstance(answer, Unobserved)
    assert answer.reason is Absence.STALE
    assert f"finds {preset.exporter} there no more" in answer.because


def message(answer: Snapshot) -> str:
    """Return the message of MetricsAvailable, as the status keeps it."""
    found = gap(answer, a_workload(), a_policy(objective=Objective(percentile=50, latency_s=0.25, error_ratio=0.01)))
    decision = Decision(kind=DecisionKind.HOLD, reason="", because="", memory=Memory(), gap=found)
    conclusion = Conclusion(workload=a_workload(), decision=decision, exporter=answer.exporter)
    return next(one.message for one in conditions(conclusion) if one.type == "MetricsAvailable")


@pytest.mark.parametrize("preset", OTHERS)
def test_the_condition_names_the_exporter_what_it_lacks_and_the_line_that_adds_it(preset: Preset) -> None:
    """All of it fits into a condition, also where nothing at all is told but the marker."""
    told = message(snapshot(preset))

    assert told.startswith(f"{preset.exporter} has no loop_cpu_cores, loop_lag_mean_s, ")
    assert [signal for signal in ("workers_alive", "pool_wait_mean_s", "pool_limit", "query_mean_s") if signal not in told] == []
    assert f"add `{INSTRUMENT}` to the API and let Prometheus scrape its port 9464" in told
    assert told.endswith(f"(metrics of {preset.exporter}: {preset.note})")
    assert len(message(snapshot(preset, {}, {}))) <= SENTENCE_MOST


def test_an_option_of_the_exporter_itself_is_named() -> None:
    """What the exporter can tell when told to is not sent to our line; where it tells it, nobody is bothered."""
    preset = PROMETHEUS_FASTAPI_INSTRUMENTATOR
    without = {name: value for name, value in ones(preset).items() if name != Figure.IN_FLIGHT}

    assert "for in_flight write Instrumentator(should_instrument_requests_inprogress=True)" in message(snapshot(preset, without))
    assert "in_flight" not in message(snapshot(preset))


def test_ours_needs_nothing_added() -> None:
    """Everything is there, and the condition names what was read."""
    told = message(snapshot(APITUNER, dict.fromkeys(ones(APITUNER), 2.0)))

    assert told.startswith("every ready pod reports, and every signal that is needed is there")
    assert told.endswith("(metrics of apituner.fastapi: its latency ends with the response)")


@pytest.mark.parametrize(
    ("words", "other"),
    [
        pytest.param("; starlette_exporter is there too", TRUSTED, id="two are there"),
        pytest.param("; starlette_exporter was there, and is no longer", {Count.SEEN: 2.0}, id="one is gone"),
    ],
)
def test_what_else_is_there_is_told(words: str, other: dict[str, float]) -> None:
    """Whoever has two exporters learns which one is read."""
    places = {("shop", "orders", "OpenTelemetry"): TRUSTED, ("shop", "orders", "StarletteExporter"): other}
    answer = readout(a_target(), Seen(taken_at=NOON, window_s=60, numbers=places, buckets={}))

    assert isinstance(answer, Snapshot)
    assert answer.exporter.name == "OpenTelemetry"
    assert answer.exporter.note.endswith(words)
