"""Whatever comes in: never a crash, one line out for each line in, and a refusal that names a field."""

import json
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from apituner.cli.filter.brain import Brain
from apituner.cli.filter.lines import lines
from apituner.core.snapshot import Absence, Signal
from apituner.engine.registry import Kind
from questions import a_line, asked, later

_EXAMPLES = settings(max_examples=150, deadline=None)

# Small where they may be a bound of a knob: a line with a million settings to choose from is answered, too, but not at once.
_INTEGERS = st.integers(-50, 50) | st.sampled_from([10**7, 2**63, -(2**63) - 1])
_JSON = st.recursive(
    st.none() | st.booleans() | _INTEGERS | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_NAMES = st.sampled_from(["v", "id", "now", "spec", "deployment", "signals", "budget", "status", "restart", "history", "decision"])
_ODDITIES: list[Any] = [None, True, -1, 0, 0.5, 1e300, 10**400, float("nan"), float("-inf"), "", "NaN", "25%", [], {}, [{}], "\ud800"]
_ODD = st.sampled_from(_ODDITIES)


def _paths(part: Any, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:  # noqa: ANN401 - any JSON value
    found = [here]
    if isinstance(part, dict | list):
        for name, inner in part.items() if isinstance(part, dict) else enumerate(part):
            found += _paths(inner, (*here, name))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:  # noqa: ANN401 - any JSON value
    """Draw the example line, often with a status, of which some parts are replaced, taken away, doubled or renamed."""
    line = a_line(draw(st.sampled_from([{}, {"status": _STATUS}, {"restart": True, "history": [_HISTORY]}])))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_paths(line)[1:]))
        part: Any = line
        for name in path[:-1]:
            part = part[name]
        change = draw(st.sampled_from(["replace", "remove", "rename", "odd"]))
        if change in ("replace", "odd"):
            part[path[-1]] = draw(_JSON if change == "replace" else _ODD)
        elif isinstance(part, dict):
            value = part.pop(path[-1])
            if change == "rename":
                part[draw(st.text(max_size=12))] = value
    return line


@st.composite
def possible(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a line that says what can be, however unlikely: any figures, any pods, any settings."""
    counts = st.integers(0, 12)
    names = draw(st.lists(st.sampled_from(Signal), unique=True))
    figures = st.sampled_from([0, 1, 1e-320, 1e15]) | st.floats(0, 1e15) | st.floats(0, 10)
    usual = a_line()["signals"]["values"] if draw(st.booleans()) else {}
    values = usual | {str(name): draw(figures) for name in names}
    absent = {
        str(name): draw(st.sampled_from(Absence)) for name in draw(st.lists(st.sampled_from(Signal), max_size=3)) if name not in values
    }
    replicas = draw(counts)
    pods = {name: draw(st.just(replicas) | counts) for name in ("readyReplicas", "updatedReplicas")}
    setting = st.fixed_dictionaries({"value": st.integers(0, 70), "source": st.sampled_from(["Env", "Default", "Secret", "CommandLine"])})
    return a_line(
        {
            "spec.mode": draw(st.sampled_from(["Auto", "Recommend"])),
            "spec.suspend": draw(st.booleans()),
            "deployment.replicas": replicas,
            **{f"deployment.{name}": value for name, value in pods.items()},
            "deployment.terminatingReplicas": draw(st.just(0) | counts),
            "deployment.unavailableReplicas": draw(st.just(0) | counts),
            "deployment.settings": {name: draw(setting) for name in ("workers", "poolSize", "maxOverflow") if draw(st.booleans())},
            "deployment.resources": draw(st.sampled_from([{}, {"cpuLimitCores": 0.001}, {"memoryLimitBytes": 1, "cpuRequestCores": 0}])),
            "signals.podsReporting": draw(counts),
            "signals.windowSeconds": draw(st.sampled_from([1, 60, 86_400])),
            "signals.values": values,
            "signals.absent": absent,
            "signals.fast.windowSeconds": 0.5,
            "budget": draw(st.none() | st.fixed_dictionaries({"limit": counts, "grantedToThis": counts, "free": st.integers(-20, 200)})),
        }
    )


def _answers(stream: bytes) -> list[dict[str, Any]]:
    brain = Brain()
    return [json.loads(brain.answer(line)) for line in lines(BytesIO(stream))]


_STATUS = asked(Brain(), a_line())["status"]
_HISTORY = {**a_line()["signals"], "at": "2026-11-23T11:58:00Z"}
_SENTENCE = re.compile(r"\S.*: .+", re.DOTALL)


def _answered_well(answer: dict[str, Any]) -> None:
    """Raise where an answer is neither a refusal that names a field nor a decision."""
    if "error" in answer:
        assert ["v", "id", "error"] == list(answer)
        assert _SENTENCE.fullmatch(answer["error"])
        assert "report this as a bug" not in answer["error"], answer["error"]
    else:
        schemas.check_status(Kind.TUNING, answer["status"])


@_EXAMPLES
@given(stream=st.binary(max_size=400) | st.text(alphabet='{}[]",:0\n ave-1', max_size=200).map(str.encode))
def test_any_bytes_are_answered_line_by_line(stream: bytes) -> None:
    """As many lines out as in, each a refusal: no such bytes are a question."""
    expected = len(stream.removesuffix(b"\n").split(b"\n")) if stream else 0
    answers = _answers(stream)

    assert expected == len(answers)
    for answer in answers:
        _answered_well(answer)


@_EXAMPLES
@given(document=_JSON | st.dictionaries(_NAMES, _JSON) | st.dictionaries(_NAMES, _JSON).map(lambda part: part | {"v": 1, "id": "a"}))
def test_any_json_is_refused_by_a_field(document: Any) -> None:  # noqa: ANN401 - any JSON value
    """Also one that begins as a question does."""
    answer = asked(Brain(), document)

    assert "error" in answer
    _answered_well(answer)


@_EXAMPLES
@given(line=mutated())
def test_a_line_with_a_fault_is_refused_or_decided(line: dict[str, Any]) -> None:
    """A fault may do no harm, as a missing default; a refusal leaves what is held as it was."""
    brain, undisturbed = Brain(), Brain()
    for one in (brain, undisturbed):
        asked(one, later(-15))
    answer = asked(brain, line)
    _answered_well(answer)

    if "error" in answer:
        assert asked(undisturbed, later(15)) == asked(brain, later(15))


@_EXAMPLES
@given(line=possible(), after=possible())
def test_any_figures_are_decided(line: dict[str, Any], after: dict[str, Any]) -> None:
    """Nothing overflows, nothing divides by zero; and the next line may be anything else."""
    brain = Brain()
    first = asked(brain, line)
    _answered_well(first)
    if "status" in first:
        _answered_well(asked(brain, after | {"status": first["status"]}))


@_EXAMPLES
@given(line=possible())
def test_the_order_of_names_means_nothing(line: dict[str, Any]) -> None:
    """The same answer, to the byte."""
    turn: Callable[[Any], Any] = lambda part: {name: turn(part[name]) for name in reversed(part)} if isinstance(part, dict) else part  # noqa: E731

    assert Brain().answer(json.dumps(line).encode()) == Brain().answer(json.dumps(turn(line)).encode())
