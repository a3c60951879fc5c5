"""What is noted becomes the same series as prometheus_client's own methods make."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from apituner.fastapi.measures.labels import OTHER, BoundedLabel
from apituner.fastapi.measures.tallies import Tallies

_BOUNDS = (0.1, 0.5, 1.0)


def _samples(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


@given(st.lists(st.floats(min_value=0, max_value=2) | st.sampled_from(_BOUNDS)))
def test_what_is_noted_is_what_would_have_been_observed(values: list[float]) -> None:
    """A value on a bound belongs below it, as everywhere in Prometheus; counting twice counts nothing twice."""
    ours, theirs = Tallies(CollectorRegistry()), CollectorRegistry()
    noted = ours.histogram("took_seconds", "Time.", (), _BOUNDS)
    observed = Histogram("took_seconds", "Time.", buckets=_BOUNDS, registry=theirs)
    for value in values:
        noted.of().observe(value)
        observed.observe(value)
    ours.count()
    ours.count()
    assert _samples(theirs) == pytest.approx(_samples(ours.registry))


def test_a_counter_adds_up_what_was_noted() -> None:
    """In whole and in part; nothing noted is a zero that is there from the start."""
    tallies = Tallies(CollectorRegistry())
    waited = tallies.counter("waited_seconds_total", "Time.")
    assert tallies.registry.get_sample_value("waited_seconds_total") == 0
    waited.of().add(1.5)
    waited.of().add(2)
    tallies.count()
    assert tallies.registry.get_sample_value("waited_seconds_total") == 3.5


def test_series_are_told_apart_by_their_labels() -> None:
    """Each combination of values is a series of its own, and is made once."""
    tallies = Tallies(CollectorRegistry())
    calls = tallies.counter("calls_total", "Calls.", ("host", "status"))
    assert calls.of("a", "200") is calls.of("a", "200")
    calls.of("a", "200").add(1)
    calls.of("a", "500").add(2)
    tallies.count()
    assert tallies.registry.get_sample_value("calls_total", {"host": "a", "status": "500"}) == 2


def test_nothing_is_lost_between_threads() -> None:
    """Some note while another counts: at the end all is there, once."""
    tallies = Tallies(CollectorRegistry())
    total, took = tallies.counter("calls_total", "Calls."), tallies.histogram("took_seconds", "Time.", (), _BOUNDS)

    def note() -> None:
        for _ in range(2_000):
            total.of().add(1)
            took.of().observe(0.2)

    threads = [threading.Thread(target=note) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        tallies.count()
    tallies.count()
    assert tallies.registry.get_sample_value("calls_total") == 8_000
    assert tallies.registry.get_sample_value("took_seconds_count") == 8_000


def test_memory_is_bounded_where_nobody_counts() -> None:
    """The oldest is lost: 10,000 values are kept."""
    tallies = Tallies(CollectorRegistry())
    took = tallies.histogram("took_seconds", "Time.", (), _BOUNDS)
    for _ in range(10_050):
        took.of().observe(0.2)
    tallies.count()
    assert tallies.registry.get_sample_value("took_seconds_count") == 10_000


def test_a_label_has_so_many_values_and_no_more() -> None:
    """What is known stays known; all that comes later is one value."""
    label = BoundedLabel(2)
    assert [label.value(value) for value in ("a", "b", "c", "a", "d")] == ["a", "b", OTHER, "a", OTHER]


def test_a_label_of_ten_megabytes_is_cut() -> None:
    """It would be sent with every scrape for ever."""
    assert len(BoundedLabel(2).value("x" * 10_000_000)) == 200
