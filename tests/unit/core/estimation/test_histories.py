"""A history is a life, a snapshot is a set, and what is known of an API stays small: whatever was seen."""

import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies  # noqa: F401 - sets the profile of the properties
from apituner.core.estimation.estimates import Estimates
from apituner.core.snapshot import Absence, Signal, Snapshot
from builders import NOON, a_snapshot
from lives import after, windows

_steps = st.lists(
    st.fixed_dictionaries(
        {
            "seconds": st.sampled_from([-700.0, -15.0, 0.0, 15.0, 15.0, 15.0, 60.0, 400.0, 90_000.0]),
            "readings": st.fixed_dictionaries(
                {},
                optional={
                    "requests_rps": st.floats(0, 1e4),
                    "cpu_cores": st.floats(0, 100),
                    "loop_blocked_ratio": st.floats(0, 1),
                    "over_objective_ratio": st.floats(0, 1),
                    "in_flight": st.floats(0, 1e4),
                    "pool_acquisitions_rps": st.floats(0, 1e4),
                    "query_mean_s": st.floats(0, 10),
                    "queries_rps": st.floats(0, 1e4),
                    "db_active": st.floats(0, 500),
                    "external_rps": st.floats(0, 100),
                    "pod_rss_max_bytes": st.floats(0, 1e10),
                },
            ),
            "absent": st.sets(st.sampled_from([Signal.IN_FLIGHT, Signal.CPU_CORES, Signal.WORKER_RSS_MAX_BYTES, Signal.QUERY_MEAN_S])),
        }
    ),
    max_size=25,
)


def _lived(steps: Sequence[dict[str, Any]]) -> list[Snapshot]:
    at, lived = NOON, []
    for step in steps:
        at += timedelta(seconds=step["seconds"])
        lived.append(a_snapshot(taken_at=at, absent=dict.fromkeys(step["absent"], Absence.STALE), **step["readings"]))
    return lived


@settings(max_examples=1000)
@given(_steps, st.integers(0, 25))
def test_a_restart_loses_nothing(steps: list[dict[str, Any]], at: int) -> None:
    """Whatever was seen, in whatever order: read back as a history and lived through from there on, it is the same value."""
    lived = _lived(steps)
    told_twice = [seen for window in lived[:at] for seen in (window, window)]

    assert after(Estimates(), *lived) == after(after(Estimates(), *told_twice), *lived[at:])


@given(_steps, st.permutations(list(Signal)))
def test_the_order_of_signals_and_those_that_do_not_matter_change_nothing(steps: list[dict[str, Any]], order: list[Signal]) -> None:
    """A snapshot is a set of figures."""
    lived = _lived(steps)
    shuffled = []
    for seen in lived:
        more = {Signal.RESPONSE_MEAN_BYTES: 7.0, Signal.THREADPOOL_TOKENS: 40.0} | dict(seen.readings)
        shuffled.append(replace(seen, readings={signal: more[signal] for signal in order if signal in more}))

    assert after(Estimates(), *lived) == after(Estimates(), *shuffled)


@given(_steps)
def test_it_stays_small(steps: list[dict[str, Any]]) -> None:
    """At most 12 KiB for each API, whatever was seen."""
    assert _bytes(after(Estimates(), *_lived(steps)), set()) <= 12 * 1024


@pytest.mark.parametrize("days", [1.99, 2.5])
def test_it_stays_small_with_everything_in_it(days: float) -> None:
    """Also at its largest: every load, every number of statements at once, and two days of arrivals just before the first forecast."""
    dice, known = random.Random(3), Estimates()  # noqa: S311 - any numbers will do
    most = 0
    for i in range(round(days * 288)):
        load = 2.0 ** dice.uniform(1, 12)
        running = 2.0 ** dice.uniform(0, 9)
        readings = {"requests_rps": load, "cpu_cores": load / 250, "queries_rps": load, "query_mean_s": 0.01, "db_active": running}
        others = {"external_rps": load, "external_mean_s": 0.1, "throttled_ratio": 0.1, "pod_rss_max_bytes": 2e8}
        known = after(known, *windows(1, from_s=300.0 * i, **readings, **others))
        most = max(most, _bytes(known, set())) if i % 40 == 0 else most
    for i in range(8):
        known = after(known, *windows(1, from_s=300.0 * round(days * 288) + 12 * i, requests_rps=90.5 + i, over_objective_ratio=0.9))

    assert max(most, _bytes(known, set())) <= 12 * 1024


def _bytes(one: object, counted: set[int]) -> int:
    """Return the size of a value with all that it holds, each part once."""
    if id(one) in counted:
        return 0
    counted.add(id(one))
    parts: list[object] = list(one) if isinstance(one, tuple) else []
    parts += [getattr(one, name) for name in getattr(type(one), "__slots__", ()) if not isinstance(one, datetime)]
    return sys.getsizeof(one) + sum(_bytes(part, counted) for part in parts)
