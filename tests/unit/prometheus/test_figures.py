"""From figures to signals: missing is not zero, and a mean of nothing is not a mean."""

import math

import pytest

from apituner.core.snapshot import Absence, Signal
from apituner.prometheus.figures import FORMULAS, OF_THE_DATABASE
from apituner.prometheus.series import Figure


@pytest.mark.parametrize(
    ("expected", "signal", "figures"),
    [
        pytest.param(20.0, Signal.REQUESTS_RPS, {Figure.REQUESTS: 20.0}, id="a rate is itself"),
        pytest.param(0.0, Signal.REQUESTS_RPS, {Figure.REQUESTS: 0.0}, id="a zero that was told is a zero"),
        pytest.param(Absence.NO_SERIES, Signal.REQUESTS_RPS, {}, id="a rate that was not told is no zero"),
        pytest.param(Absence.NOT_A_NUMBER, Signal.CPU_CORES, {Figure.CPU: math.nan}, id="NaN is no number"),
        pytest.param(Absence.NOT_A_NUMBER, Signal.POOL_LIMIT, {Figure.POOL_MAX: math.inf}, id="a pool without a limit has no number"),
        pytest.param(Absence.NOT_A_NUMBER, Signal.IN_FLIGHT, {Figure.IN_FLIGHT: -1.0}, id="a negative count is no count"),
        pytest.param(0.5, Signal.LATENCY_MEAN_S, {Figure.REQUEST_SECONDS: 10.0, Figure.REQUESTS: 20.0}, id="a mean"),
        pytest.param(
            Absence.NO_TRAFFIC, Signal.LATENCY_MEAN_S, {Figure.REQUEST_SECONDS: 0.0, Figure.REQUESTS: 0.0}, id="a mean of nothing"
        ),
        pytest.param(Absence.NO_SERIES, Signal.LATENCY_MEAN_S, {Figure.REQUESTS: 20.0}, id="a mean whose sum was not told"),
        pytest.param(Absence.NO_SERIES, Signal.LATENCY_MEAN_S, {Figure.REQUEST_SECONDS: 20.0}, id="a mean whose count was not told"),
        pytest.param(0.1, Signal.ERRORS_RATIO, {Figure.ERRORS: 2.0, Figure.REQUESTS: 20.0}, id="a tenth failed"),
        pytest.param(0.0, Signal.ERRORS_RATIO, {Figure.REQUESTS: 20.0}, id="no failure among requests is zero"),
        pytest.param(Absence.NO_SERIES, Signal.ERRORS_RATIO, {}, id="no failure among nothing is not zero"),
        pytest.param(Absence.NO_TRAFFIC, Signal.ERRORS_RATIO, {Figure.REQUESTS: 0.0}, id="no failure without a request is not zero"),
        pytest.param(Absence.NOT_A_NUMBER, Signal.ERRORS_RATIO, {Figure.ERRORS: math.nan, Figure.REQUESTS: 1.0}, id="NaN failures"),
        pytest.param(0.5, Signal.THROTTLED_RATIO, {Figure.THROTTLED_PERIODS: 5.0, Figure.CPU_PERIODS: 10.0}, id="half of the periods"),
        pytest.param(Absence.NO_TRAFFIC, Signal.THROTTLED_RATIO, {Figure.CPU_PERIODS: 0.0}, id="no limit, so no periods"),
        pytest.param(0.0, Signal.EXTERNAL_RPS, {Figure.CALLS: 0.0}, id="no call, as was told"),
        pytest.param(Absence.NO_TRAFFIC, Signal.EXTERNAL_MEAN_S, {Figure.CALLS: 0.0}, id="no mean of no call"),
        pytest.param(0.3, Signal.EXTERNAL_MEAN_S, {Figure.CALLS: 2.0, Figure.CALL_SECONDS: 0.6}, id="a call takes 0.3 s"),
        pytest.param(Absence.NO_SERIES, Signal.EXTERNAL_MEAN_S, {Figure.CALLS: 2.0}, id="how long calls take was not told"),
        pytest.param(0.0, Signal.EXTERNAL_IN_TRANSACTION_RATIO, {Figure.CALL_SECONDS: 0.6}, id="none of them held a connection"),
        pytest.param(
            1.0,
            Signal.EXTERNAL_IN_TRANSACTION_RATIO,
            {Figure.CALL_SECONDS: 0.6, Figure.HOLDING_CALL_SECONDS: 0.61},
            id="no more than all of them",
        ),
        pytest.param(
            0.25, Signal.EXTERNAL_WITHOUT_TIMEOUT_RATIO, {Figure.CALLS: 4.0, Figure.UNLIMITED_CALLS: 1.0}, id="one without a limit"
        ),
        pytest.param(
            0.2, Signal.QUERIES_IN_SERIALIZATION_RATIO, {Figure.OPERATIONS: 5.0, Figure.BUILDING_OPERATIONS: 1.0}, id="one is lazy"
        ),
        pytest.param(0.005, Signal.SERIALIZATION_MEAN_S, {Figure.SERIALIZATION_SECONDS: 0.1, Figure.REQUESTS: 20.0}, id="5 ms a response"),
        pytest.param(2048.0, Signal.RESPONSE_MEAN_BYTES, {Figure.RESPONSE_BYTES: 40960.0, Figure.REQUESTS: 20.0}, id="2 KiB a response"),
        pytest.param(0.0, Signal.BACKGROUND_MEAN_S, {Figure.REQUESTS: 20.0}, id="no task behind any request"),
        pytest.param(Absence.NOT_EXPORTED, Signal.DB_CONNECTIONS, {Figure.REQUESTS: 20.0}, id="no API tells of its database"),
        pytest.param(0.25, Signal.LOOP_BLOCKED_RATIO, {Figure.LOOP_BLOCKED_SECONDS: 1.0, Figure.WORKERS: 4.0}, id="one loop of four stood"),
        pytest.param(1.0, Signal.LOOP_BLOCKED_RATIO, {Figure.LOOP_BLOCKED_SECONDS: 1.1, Figure.WORKERS: 1.0}, id="no more than always"),
        pytest.param(Absence.NO_SERIES, Signal.LOOP_BLOCKED_RATIO, {Figure.LOOP_BLOCKED_SECONDS: 1.0}, id="whose loops is not known"),
        pytest.param(
            Absence.NO_TRAFFIC, Signal.LOOP_LAG_P99_S, {Figure.LOOP_TURNS: 0.0, Figure.LOOP_LAG_P99: math.nan}, id="a loop that stood"
        ),
        pytest.param(0.02, Signal.LOOP_LAG_P99_S, {Figure.LOOP_TURNS: 20.0, Figure.LOOP_LAG_P99: 0.02}, id="a loop's lag"),
        pytest.param(4.0, Signal.POOL_IN_USE, {Figure.USE_SECONDS: 4.0}, id="connections out, by Little's law"),
        pytest.param(
            10.0, Signal.POOL_OVERFLOW, {Figure.POOL_MAX: 15.0, Figure.POOL_IDLE_MAX: 5.0}, id="what a pool may open beyond its size"
        ),
        pytest.param(Absence.NO_SERIES, Signal.POOL_OVERFLOW, {Figure.POOL_MAX: 15.0}, id="a pool whose size was not told"),
        pytest.param(
            Absence.NOT_A_NUMBER, Signal.POOL_OVERFLOW, {Figure.POOL_MAX: 4.0, Figure.POOL_IDLE_MAX: 5.0}, id="a pool less than its size"
        ),
    ],
)
def test_formula(expected: float | Absence, signal: Signal, figures: dict[str, float]) -> None:
    """A signal is a number, or the reason why there is none."""
    assert expected == FORMULAS[signal](figures)


def test_every_signal_has_a_formula() -> None:
    """No signal is forgotten; the two of the distribution are read out of the buckets."""
    assert set(Signal) == FORMULAS.keys() | {Signal.LATENCY_OBJECTIVE_S, Signal.OVER_OBJECTIVE_RATIO}


@pytest.mark.parametrize("signal", FORMULAS)
def test_nothing_known_gives_nothing(signal: Signal) -> None:
    """Out of nothing no signal makes a number."""
    assert FORMULAS[signal]({}) is (Absence.NOT_EXPORTED if signal in OF_THE_DATABASE else Absence.NO_SERIES)
