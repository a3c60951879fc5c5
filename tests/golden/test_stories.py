"""The stories are told as they were written down, and whatever is decided in them keeps what was promised."""

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from golden.story import Moment, played
from golden.teller import NAMES, TOLD, in_process, story, told


@cache
def _moments(name: str) -> list[Moment]:
    """Play each story once: the tests look at it from several sides."""
    return list(played(story(name), in_process()))


@pytest.mark.parametrize("name", NAMES)
def test_a_story_is_told_as_it_was_written_down(name: str) -> None:
    """Tell it anew with `make golden`, and commit only what you understand."""
    assert (TOLD / f"{name}.txt").read_text(encoding="utf-8") == told(story(name), _moments(name))


def test_every_transcript_has_its_story() -> None:
    """And every story its transcript."""
    assert [f"{name}.txt" for name in NAMES] == sorted(path.name for path in TOLD.iterdir())


def test_the_command_tells_the_same() -> None:
    """A story through the real command, question by question: the world goes on only when the answer is there."""
    command = [sys.executable, "-m", "apituner", "decide"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as brain:
        assert brain.stdin is not None
        assert brain.stdout is not None
        to, back = brain.stdin, brain.stdout

        def ask(line: Mapping[str, Any]) -> dict[str, Any]:
            to.write(json.dumps(line).encode() + b"\n")
            to.flush()
            answer: dict[str, Any] = json.loads(back.readline())
            return answer

        assert (TOLD / "restart.txt").read_text(encoding="utf-8") == told(story("restart"), played(story("restart"), ask))
        to.close()
        assert brain.wait(timeout=30) == 0


@pytest.mark.parametrize("name", NAMES)
def test_p2_connections_stay_within_the_budget(name: str) -> None:
    """At every tick, with pods that surge and pods that end, others included."""
    assert all(moment.asked["budget"]["free"] >= 0 for moment in _moments(name))


@pytest.mark.parametrize("name", NAMES)
def test_p3_nothing_outside_the_bounds_is_asked_for(name: str) -> None:
    """And no knob that the spec does not name."""
    for moment in _moments(name):
        knobs = moment.asked["spec"]["knobs"]
        named = {"replicas": "replicas", "workers": "workers", "poolSize": "pool", "maxOverflow": "pool"}
        for setting, value in (moment.answered["decision"]["step"] or {}).items():
            knob = knobs.get(named[setting])
            here = moment.asked["deployment"]["settings"].get(setting, {}).get("value")
            assert value == here if knob is None else setting == "maxOverflow" or knob["min"] <= value <= knob["max"]


@pytest.mark.parametrize("name", NAMES)
def test_p1_nothing_is_done_on_what_is_not_seen(name: str) -> None:
    """While Prometheus is silent, or a signal that matters is missing."""
    for moment in _moments(name):
        if moment.asked["signals"] is None or moment.asked["signals"]["absent"]:
            assert (moment.answered["decision"]["kind"], moment.answered["decision"]["step"]) == ("Hold", None)


def test_the_starved_pool_is_cured() -> None:
    """The latency misses its objective before the change and meets it after, and then nothing is asked for any more."""
    moments = _moments("starved_pool")
    asked_for = [place for place, moment in enumerate(moments) if moment.answered["decision"]["step"] is not None]
    latency = [moment.asked["signals"]["values"]["latency_objective_s"] for moment in moments]

    assert asked_for
    assert latency[asked_for[0]] > 0.25
    assert latency[-1] < 0.25
    assert asked_for[-1] < len(moments) // 2
