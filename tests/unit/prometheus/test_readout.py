"""What was seen of one target: trust first, then every signal or its reason."""

import math
from datetime import UTC, datetime

import pytest

from apituner.core.policy import Objective
from apituner.core.snapshot import Absence, Signal, Snapshot, Unobserved
from apituner.ports import Target
from apituner.prometheus.answer import Sample
from apituner.prometheus.presets.apituner import APITUNER
from apituner.prometheus.readout import Seen, by_workload, readout
from apituner.prometheus.series import Count, Figure

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = ("shop", "orders", APITUNER.name)
TRUSTED: dict[str, float] = {Count.SEEN: 2.0, Count.CURRENT: 2.0, Count.REPORTING: 2.0}
BUCKETS = {"0.1": 10.0, "0.25": 18.0, "1.0": 20.0, "+Inf": 20.0}


def a_target(deployment: str = "orders", percentile: float = 95, latency_s: float = 0.25) -> Target:
    """Return a target with p95 of 250 ms."""
    return Target(
        namespace="shop",
        name="orders",
        deployment=deployment,
        container=None,
        variables=(),
        objective=Objective(percentile=percentile, latency_s=latency_s, error_ratio=0.01),
        source="default",
    )


def seen(counts: dict[str, float] | None = None, figures: dict[str, float] | None = None, buckets: dict[str, float] | None = None) -> Seen:
    """Return a sweep that saw one workload through our own instrumentation."""
    told = (TRUSTED if counts is None else counts) | ({Figure.REQUESTS: 20.0} if figures is None else figures)
    return Seen(taken_at=NOON, window_s=60, numbers={KEY: told}, buckets={KEY: BUCKETS if buckets is None else buckets})


@pytest.mark.parametrize(
    ("expected", "words", "counts"),
    [
        pytest.param(Absence.STALE, "no longer scrapes", {Count.SEEN: 2.0}, id="no longer scraped"),
        pytest.param(Absence.PARTIAL_COVERAGE, "at least every 15 s", {Count.SEEN: 2.0, Count.CURRENT: 2.0}, id="not long or often enough"),
        pytest.param(Absence.BAD_ANSWER, "drop one of the scrape jobs", TRUSTED | {Count.TWICE: 1.0}, id="scraped by two jobs"),
        pytest.param(
            Absence.INCOMPLETE_WORKERS, "PROMETHEUS_MULTIPROC_DIR", TRUSTED | {Count.INCOMPLETE: 1.0}, id="one pod hides its other workers"
        ),
        pytest.param(Absence.BAD_ANSWER, "in no numbers", TRUSTED | {Count.REPORTING: math.nan}, id="a count that is no number"),
    ],
)
def test_what_cannot_be_trusted(expected: Absence, words: str, counts: dict[str, float]) -> None:
    """A workload whose pods cannot be trusted is not observed, whatever its figures say, and the sentence has the way out."""
    answer = readout(a_target(), seen(counts=counts))

    assert isinstance(answer, Unobserved)
    assert expected is answer.reason
    assert words in answer.because
    assert "shop/orders" in answer.because


def test_every_signal_is_read_or_has_its_reason() -> None:
    """No signal is in both, and none in neither."""
    answer = readout(a_target(), seen())

    assert isinstance(answer, Snapshot)
    assert answer.pods_reporting == 2
    assert set(Signal) == answer.readings.keys() | answer.absent.keys()
    assert not answer.readings.keys() & answer.absent.keys()


@pytest.mark.parametrize(
    ("latency_s", "over", "target"),
    [
        pytest.param(0.625, 0.1, a_target(), id="p95 of 250 ms"),
        pytest.param(0.1, 0.5, a_target(percentile=50, latency_s=0.1), id="p50 of 100 ms"),
    ],
)
def test_each_target_reads_its_own_percentile(latency_s: float, over: float, target: Target) -> None:
    """From the same buckets every objective gets its own answer."""
    answer = readout(target, seen())

    assert isinstance(answer, Snapshot)
    assert latency_s == pytest.approx(answer[Signal.LATENCY_OBJECTIVE_S])
    assert over == pytest.approx(answer[Signal.OVER_OBJECTIVE_RATIO])


@pytest.mark.parametrize(
    ("expected", "figures", "buckets"),
    [
        pytest.param(Absence.NO_SERIES, {Figure.REQUESTS: 20.0}, {}, id="no buckets"),
        pytest.param(Absence.NO_SERIES, {}, BUCKETS, id="no requests beside the buckets"),
        pytest.param(Absence.NO_TRAFFIC, {Figure.REQUESTS: 0.0}, dict.fromkeys(BUCKETS, 0.0), id="no request in the window"),
        pytest.param(Absence.NO_TRAFFIC, {Figure.REQUESTS: 20.0}, dict.fromkeys(BUCKETS, 0.0), id="empty buckets"),
        pytest.param(Absence.NOT_A_NUMBER, {Figure.REQUESTS: 20.0}, BUCKETS | {"0.1": math.nan}, id="NaN in a bucket"),
        pytest.param(Absence.NOT_A_NUMBER, {Figure.REQUESTS: 20.0}, BUCKETS | {"many": 1.0}, id="a bound that is no number"),
        pytest.param(Absence.NO_TRAFFIC, {Figure.REQUESTS: 0.0}, {}, id="no bucket, for there was no request"),
    ],
)
def test_no_percentile(expected: Absence, figures: dict[str, float], buckets: dict[str, float]) -> None:
    """Without requests, or without a histogram, there is neither a percentile nor a share, and not zero either."""
    answer = readout(a_target(), seen(figures=figures, buckets=buckets))

    assert isinstance(answer, Snapshot)
    assert expected is answer.absent[Signal.LATENCY_OBJECTIVE_S]
    assert expected is answer.absent[Signal.OVER_OBJECTIVE_RATIO]


def test_samples_are_sorted_by_workload_and_preset() -> None:
    """Series of other pods fall out, and two values for one figure of one preset are none."""

    def sample(value: float, **labels: str) -> Sample:
        return Sample(labels=labels, value=value)

    found = by_workload(
        [
            sample(1.0, namespace="shop", workload="orders", preset="Apituner", signal="cpu"),
            sample(2.0, namespace="shop", workload="", signal="cpu"),
            sample(3.0, namespace="shop", signal="cpu"),
            sample(4.0, namespace="shop", workload="carts", signal="cpu"),
            sample(5.0, namespace="shop", workload="carts", signal="cpu"),
        ],
        "signal",
    )

    assert {KEY, ("shop", "carts", "")} == found.keys()
    assert found[KEY] == {"cpu": 1.0}
    assert math.isnan(found["shop", "carts", ""]["cpu"])
