"""Totals of several processes never fall because they are added in another order, and what cannot be read is named."""

import os
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apituner.fastapi.workers.sums import added_up, at_least, entries, exactly, families
from workerfiles import REQUESTS, counted, gauge, timed

_seconds = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=8)


@given(dead=_seconds, living=_seconds, dice=st.randoms(use_true_random=False))
def test_a_total_never_falls(dead: list[float], living: list[float], dice: random.Random) -> None:
    """Not when processes change places, and not when some of them die and are one number from then on."""
    before = exactly([*dead, *living])
    shuffled = [*dead, *living]
    dice.shuffle(shuffled)
    assert before == exactly(shuffled)
    assert before <= exactly([*living, at_least(dead)])
    assert exactly([*living, at_least(dead)]) <= before * (1 + 1e-12)


@pytest.mark.parametrize(
    ("expected", "parts"),
    [
        pytest.param(float("inf"), [float("inf"), 1.0], id="an observation that has no end"),
        pytest.param(float("inf"), [1e308, 1e308], id="beyond the largest number"),
    ],
)
def test_strange_observations_of_the_application_do_no_harm(expected: float, parts: list[float]) -> None:
    """They add up as they would in prometheus_client."""
    assert (expected, expected) == (exactly(parts), at_least(parts))


def test_processes_are_added_up(tmp_path: Path) -> None:
    """Counters, histograms with their counts, and gauges each in their own way."""
    files = [counted(tmp_path, pid, pid) for pid in (1, 2)]
    files += [timed(tmp_path, 1, fast=3, slow=1), timed(tmp_path, 2, fast=0, slow=2)]
    files += [gauge(tmp_path, pid, "livesum", 1) for pid in (1, 2)] + [gauge(tmp_path, pid, "livemax", pid, "busiest") for pid in (1, 2)]
    added, unreadable = added_up(files)
    assert [] == unreadable
    assert {"requests_total": 3.0, "took_sum": 3.375, "took_count": 6.0, "workers": 2.0, "busiest": 2.0} == {
        sample.name: sample.value for family in added for sample in family.samples if "le" not in sample.labels
    }


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="text"),
        pytest.param(b"\x01\x02", id="too short for a length"),
        pytest.param(b"\xff" * 64, id="a length below zero"),
        pytest.param(struct.pack("i", 4096) + bytes(60), id="a length beyond the end"),
        pytest.param(struct.pack("iii", 40, 0, 8) + b"nonsense" + bytes(20), id="a key that is none"),
        pytest.param(random.Random(1).randbytes(4096), id="noise"),  # noqa: S311 - noise, and the same in each run
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_counts(content: bytes, tmp_path: Path) -> None:
    """One bad file must not take the others along."""
    bad = tmp_path / "counter_3.db"
    bad.write_bytes(content)
    added, unreadable = added_up([counted(tmp_path, 1, 5), bad, counted(tmp_path, 2, 6)])
    assert [bad] == unreadable
    assert [11.0] == [sample.value for family in added for sample in family.samples]
    assert entries(bad, set()) is None


@pytest.mark.parametrize("length", [*range(0, 128, 4), 200])
def test_a_file_that_was_cut_off_is_never_half_a_number(length: int, tmp_path: Path) -> None:
    """It is all there, or cannot be read; but an empty one was never more than that."""
    whole = counted(tmp_path, 1, 5)
    size = len(whole.read_bytes().rstrip(b"\0")) + 8  # the time of a counter is 0, too
    os.truncate(whole, length)
    found = families(whole)
    assert (found is not None) == (length == 0 or length >= size)
    assert ({REQUESTS} if length >= size else set()) == {family.name for family in found or []}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="killed before it had a size"),
        pytest.param(bytes(1024), id="killed before it had a length"),
        pytest.param(struct.pack("i", 8) + bytes(1020), id="killed before its first value"),
        pytest.param(struct.pack("iii", 8, 0, 20) + b'["requests", "requ' + bytes(994), id="killed while it wrote its first value"),
    ],
)
def test_what_a_kill_leaves_can_be_read(content: bytes, tmp_path: Path) -> None:
    """A length that includes an entry is written after the entry."""
    file = tmp_path / "counter_1.db"
    file.write_bytes(content)
    assert [] == families(file)


def test_a_file_that_is_gone_by_now_is_no_fault(tmp_path: Path) -> None:
    """Its process was forgotten between listing the folder and reading it."""
    assert [] == families(tmp_path / "gauge_livesum_1.db")
