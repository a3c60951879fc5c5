"""A line that is not as the contract has it: one sentence that names the field, and nothing is changed."""

import json
from typing import Any

import pytest

from apituner.cli.filter.brain import Brain
from questions import GONE, a_line, asked, later, refusal

_IMPOSSIBLE = {"replicas": -3, "workers": 1, "poolSize": 1, "maxOverflow": 0, "because": "", "plan": ""}
_WINDOW = {"at": "2026-11-23T11:00:00Z", "windowSeconds": 60, "podsReporting": 1, "values": {}}


@pytest.mark.parametrize(
    ("expected", "path", "value"),
    [
        pytest.param("v: must be 1, the version of the contract that is spoken here", "v", 2, id="another version"),
        pytest.param("v: must be 1, the version of the contract that is spoken here", "v", True, id="what Python takes for 1"),
        pytest.param("v: must be 1, the version of the contract that is spoken here", "v", GONE, id="no version"),
        pytest.param("id: must be a valid string", "id", 7, id="an id that is no text"),
        pytest.param("id: must have at most 1024 characters", "id", "x" * 1025, id="an id that is no name any more"),
        pytest.param("now: is missing", "now", GONE, id="no time"),
        pytest.param("now: must be a time with its zone, written as in 2026-11-23T10:00:00Z", "now", "2026-11-23T10:00:00", id="no zone"),
        pytest.param("now: must be a time with its zone, written as in 2026-11-23T10:00:00Z", "now", 1_795_000_000, id="seconds"),
        pytest.param(
            "now: must be a time with its zone, written as in 2026-11-23T10:00:00Z", "now", "0001-01-01T00:00:00Z", id="no day before"
        ),
        pytest.param("spec: must be an object", "spec", None, id="no spec"),
        pytest.param(
            "spec.knobs.pool.min: must be at least 1: 0 and -1 make a pool", "spec.knobs.pool.min", 0, id="the API server's words"
        ),
        pytest.param("spec.knobs.replicas: min must not exceed max: lower min", "spec.knobs.replicas.min", 9, id="a rule of two fields"),
        pytest.param("spec.knobs.thread: there is no such field", "spec.knobs.thread", {}, id="a knob that is none"),
        pytest.param("spec.target_ref: there is no such field", "spec.target_ref", {"name": "x"}, id="a name as Python writes it"),
        pytest.param("spec.mode: must be 'Recommend'", "spec.mode", "Yolo", id="a mode that is none"),
        pytest.param("deployment: is missing", "deployment", GONE, id="no Deployment"),
        pytest.param("deployment.readyReplicas: is missing", "deployment.readyReplicas", GONE, id="missing is not zero"),
        pytest.param("deployment.replicas: must be greater than or equal to 0", "deployment.replicas", -1, id="fewer pods than none"),
        pytest.param("deployment.replicas: must be a valid integer", "deployment.replicas", 2.5, id="half a pod"),
        pytest.param("deployment.replicas: must be a valid integer", "deployment.replicas", True, id="a pod that is true"),
        pytest.param("deployment.strategy.maxSurge2: there is no such field", "deployment.strategy.maxSurge2", 1, id="deep down"),
        pytest.param(
            "deployment.strategy.maxSurge: must be a number of pods", "deployment.strategy.maxSurge", "a few", id="words for pods"
        ),
        pytest.param(
            "deployment.strategy.type: must be 'RollingUpdate' or", "deployment.strategy.type", "BlueGreen", id="another strategy"
        ),
        pytest.param("deployment.settings.threads: there is no such field", "deployment.settings.threads", {}, id="a setting that is none"),
        pytest.param("deployment.settings.poolSize: a literal of source Env", "deployment.settings.poolSize.value", None, id="no literal"),
        pytest.param("deployment.settings.poolSize.source: must be 'Env'", "deployment.settings.poolSize.source", "Vault", id="a source"),
        pytest.param("deployment.autoscaler.kind: is missing", "deployment.autoscaler", {"name": "x"}, id="half an autoscaler"),
        pytest.param("signals: is missing", "signals", GONE, id="absent is not null"),
        pytest.param("signals.values.requests_rps: must be a valid number", "signals.values.requests_rps", None, id="null"),
        pytest.param("signals.values.requests_rps: must be a valid number", "signals.values.requests_rps", "NaN", id="NaN in quotes"),
        pytest.param("signals.values.requests_rps: must be a finite number", "signals.values.requests_rps", float("nan"), id="NaN"),
        pytest.param("signals.values.requests_rps: must be a finite number", "signals.values.requests_rps", float("inf"), id="Infinity"),
        pytest.param("signals.values.requests_rps: must be greater than or equal to 0", "signals.values.requests_rps", -0.1, id="negative"),
        pytest.param(
            "signals.values.requests_rps: must be less than or equal to", "signals.values.requests_rps", 10**15 + 1, id="beyond all measure"
        ),
        pytest.param("signals.values.rps: there is no such field", "signals.values.rps", 1, id="a signal that is none"),
        pytest.param("signals.absent.in_flight: must be 'NoSeries', 'NoTraffic'", "signals.absent", {"in_flight": "Lost"}, id="absent how"),
        pytest.param("signals: absent.in_flight stands in values too", "signals.absent", {"in_flight": "NoSeries"}, id="here and absent"),
        pytest.param("signals.podsReporting: is missing", "signals.podsReporting", GONE, id="no coverage"),
        pytest.param("signals.windowSeconds: must be greater than 0", "signals.windowSeconds", 0, id="no window"),
        pytest.param("line: signals.at lies after now", "signals.at", "2026-11-23T12:00:01Z", id="seen in the future"),
        pytest.param("signals.fast: values.pool_limit is not known", "signals.fast.values.pool_limit", 4, id="a signal that is never fast"),
        pytest.param("signals: fast.windowSeconds must be less", "signals.fast.windowSeconds", 60, id="a fast window that is not"),
        pytest.param("signals.routes./a.rps: there is no such field", "signals.routes", {"/a": {"rps": 1}}, id="a route's signal"),
        pytest.param("signals.routes./a.blocked_ratio: must be gr", "signals.routes", {"/a": {"blocked_ratio": -1}}, id="a route's figure"),
        pytest.param("budget.free: is missing", "budget", {"limit": 90, "grantedToThis": 4}, id="half a budget"),
        pytest.param("status.advice: there is no such field", "status", {"advice": 1}, id="a status that was never given"),
        pytest.param("status.lastChange.plan: is missing", "status", {"lastChange": {}}, id="half a memory"),
        pytest.param(
            "status.diagnosis.since: must lie in the years",
            "status",
            {"diagnosis": {"bottleneck": "PoolStarved", "because": "", "since": "9999-12-31T00:00:00Z"}},
            id="no day after",
        ),
        pytest.param("status: replicas must be at least 0", "status", {"recommendation": _IMPOSSIBLE}, id="a setting that cannot be"),
        pytest.param("restart: must be a valid boolean", "restart", 1, id="a truth that is a number"),
        pytest.param(
            "line: history comes with restart alone",
            "history",
            [{"at": "2026-11-23T11:00:00Z", "windowSeconds": 60, "podsReporting": 1, "values": {}}],
            id="history without a restart",
        ),
        pytest.param("advice: there is no such field", "advice", "please", id="a field that is none"),
    ],
)
def test_a_malformed_line_names_its_field(expected: str, path: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
    """What is wrong, where, and what to write instead."""
    assert refusal(a_line({path: value})).startswith(expected)


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        pytest.param("line: is not JSON: Expecting value at character 1", b"", id="an empty line"),
        pytest.param("line: is not JSON: Expecting", b'{"v": 1', id="half a line"),
        pytest.param("line: must be a JSON object", b"[1]", id="a list"),
        pytest.param("line: byte 2 is not UTF-8", b'"\xff"', id="broken UTF-8"),
        pytest.param(
            "windowSeconds: stands twice in one object", b'{"v": 1, "signals": {"windowSeconds": 1, "windowSeconds": 2}}', id="twice"
        ),
        pytest.param("line: is nested too deep", b"[" * 200_000, id="a hole without a bottom"),
        pytest.param("line: holds a number of too many digits", b'{"v": ' + b"9" * 5000 + b"}", id="a number without an end"),
        pytest.param("id: must be a valid string", b'{"v": 1, "id": "\\ud800"}', id="half a character"),
    ],
)
def test_what_is_no_line_at_all_is_refused_as_such(expected: str, line: bytes) -> None:
    """Before any field is known."""
    assert refusal(line).startswith(expected)


def test_a_line_that_is_too_long_is_answered() -> None:
    """Without having been held."""
    assert {"v": 1, "id": None, "error": "line: is longer than 4194304 bytes"} == json.loads(Brain().answer(None))


def test_the_answer_to_a_malformed_line_carries_its_id() -> None:
    """So that the caller knows whom it is about."""
    assert asked(Brain(), a_line({"now": "noon"}))["id"] == "shop/orders"
    assert asked(Brain(), b"[1]")["id"] is None
    assert asked(Brain(), a_line({"id": "x" * 5000}))["id"] is None


def test_a_name_from_the_line_cannot_make_the_answer_long() -> None:
    """A refusal is one sentence, also of a name of a megabyte."""
    assert len(refusal(a_line({"spec." + "x" * 1_000_000: 1}))) < 500


def test_a_malformed_line_changes_nothing() -> None:
    """Not even one that asks for a restart, or that is refused last of all, for its status."""
    brain, undisturbed = Brain(), Brain()
    status = asked(brain, later(0))["status"]
    asked(undisturbed, later(0))
    for broken in (
        later(15, {"restart": True, "signals.values.requests_rps": None, "deployment.templateHash": "other"}),
        later(15, {"status": {"nonsense": True}, "deployment.templateHash": "other"}),
        later(15, {"deployment.templateHash": "other", "spec.knobs": {}}),
    ):
        assert "error" in asked(brain, broken)

    assert asked(undisturbed, later(30, {"status": status})) == asked(brain, later(30, {"status": status}))


def test_a_bug_costs_one_line_and_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """As in a sweep, a fault at one object never keeps the others from their turn."""
    brain = Brain()
    with monkeypatch.context() as broken:
        broken.setattr("apituner.engine.conclude.decide", lambda _: 1 / 0)
        told = asked(brain, a_line())

    assert "line: the brain failed at it (ZeroDivisionError): report this as a bug, with the line" == told["error"]
    assert "ZeroDivisionError" in caplog.text
    assert "decision" in asked(brain, a_line())
