"""What an answer holds: the words of the contract, taken from the status that the operator would write."""

import json
from typing import Any

import pytest

import schemas
from apituner.cli.filter.brain import Brain
from apituner.engine.registry import Kind
from questions import HEALTHY, a_line, asked, first, later, story

_ORDER = {
    "": ["v", "id", "now", "decision", "diagnosis", "tuningHelps", "rejected", "status"],
    "decision": ["kind", "reason", "because", "target", "steps", "step", "forecast", "retryAfterSeconds"],
    "diagnosis": ["bottleneck", "because", "findings"],
}
_KINDS = ["Keep", "Apply", "Recommend", "Hold", "Revert"]
_BOTTLENECKS = [
    "NothingWrong",
    "Unknown",
    "PodFailure",
    "ConnectionBudget",
    "DatabaseSaturated",
    "NPlusOne",
    "LongTransaction",
    "ExternalInsideTransaction",
    "CpuThrottled",
    "LoopBlocked",
    "WorkerCpu",
    "MemoryLimitsWorkers",
    "ThreadpoolExhausted",
    "PoolStarved",
    "ExternalSlow",
    "SerializationHeavy",
    "BackgroundWorkInProcess",
    "Overprovisioned",
]
_CHECKS = ["DatabaseAccess", "ExternalCalls", "PayloadAndSerialization", "PoolsAndWorkers", "Framework"]
_VERDICTS = ["Pass", "Warn", "Fail", "Unknown"]
_KNOBS = ["replicas", "workers", "poolSize", "maxOverflow"]
_SICK: list[dict[str, Any]] = [{}, {"signals": None}, HEALTHY, {"budget": None}, {"signals.values.loop_blocked_ratio": 0.4}]


@pytest.mark.parametrize("change", _SICK)
def test_an_answer_has_the_fields_of_the_contract_in_its_order(change: dict[str, Any]) -> None:
    """Whatever is decided; a field that has nothing to say is null or empty, and every word is one of the contract."""
    for answer in story(Brain(), *[change] * 4):
        assert _ORDER == {"": list(answer), **{name: list(answer[name]) for name in ("decision", "diagnosis")}}
        assert answer["decision"]["kind"] in _KINDS
        assert answer["diagnosis"]["bottleneck"] in _BOTTLENECKS
        for finding in answer["diagnosis"]["findings"]:
            assert ["check", "verdict", "reason", "because", "advice"] == list(finding)[:5]
            assert finding["verdict"] in _VERDICTS
        checks = [_CHECKS.index(finding["check"]) for finding in answer["diagnosis"]["findings"]]
        assert sorted(checks) == checks
        for fallen in answer["rejected"]:
            assert [*_KNOBS, fallen["because"]] == [*fallen["target"], fallen["because"]]


@pytest.mark.parametrize("change", _SICK)
def test_the_status_is_one_that_the_operator_would_write(change: dict[str, Any]) -> None:
    """The API server would take it as it is, the models read it, and nulls are left out as it leaves them out."""
    for answer in story(Brain(), *[change] * 4):
        schemas.check_status(Kind.TUNING, answer["status"])
        assert ": null" not in json.dumps(answer["status"])


def test_apply_says_what_to_write_and_where_it_leads() -> None:
    """The step alone is due now: it writes values of the target, and only settings that the target moves."""
    _, applied = first("Apply", Brain())
    decision = applied["decision"]

    assert _KNOBS == list(decision["target"])
    assert decision["step"]
    assert decision["step"].items() <= decision["target"].items()
    assert decision["steps"]
    assert decision["forecast"]["latencyMilliseconds"] < 250
    assert decision["because"]
    assert (applied["diagnosis"]["bottleneck"], applied["tuningHelps"]) == ("PoolStarved", True)
    assert applied["status"]["lastChange"]["outcome"] == "Applying"


def test_a_later_step_still_says_where_the_change_leads() -> None:
    """The way goes on without a new recommendation; the caller is told the target all the same."""
    at: dict[str, Any] = {"replicas": 4, "workers": 1, "poolSize": 1, "maxOverflow": 0}
    brain, status, seen = Brain(), None, []
    for place in range(40):
        pods = at["replicas"]
        change = {
            **({} if at["poolSize"] == 1 else HEALTHY),
            **{f"deployment.{name}": pods for name in ("replicas", "readyReplicas", "updatedReplicas")},
            **{f"deployment.settings.{name}.value": at[name] for name in _KNOBS[1:]},
            "deployment.templateHash": f"pool-{at['poolSize']}",
            "signals.podsReporting": pods,
            "signals.values.workers_alive": pods,
            "signals.values.pool_limit": pods * at["poolSize"],
            "spec.knobs.pool.min": 1,
        }
        answer = asked(brain, later(15 * place, {"status": status, **change}))
        status = answer["status"]
        if answer["decision"]["step"] is not None:
            seen.append(answer["decision"])
            at |= answer["decision"]["step"]

    assert len(seen) >= 2
    assert all(one["target"] == seen[0]["target"] for one in seen)
    assert seen[-1]["steps"]
    assert seen[0]["target"] == at


def test_what_may_not_act_recommends_the_same() -> None:
    """Mode Recommend: the target, and nothing to write."""
    _, applied = first("Apply", Brain())
    _, recommended = first("Recommend", Brain(), {"spec.mode": "Recommend"})

    assert recommended["decision"]["target"] == applied["decision"]["target"]
    assert recommended["decision"]["step"] is None


def test_a_hold_says_when_to_ask_again() -> None:
    """In whole seconds, where time mends it."""
    held = asked(Brain(), a_line())["decision"]

    assert (held["kind"], held["retryAfterSeconds"]) == ("Hold", 30)


def test_prometheus_that_does_not_answer_is_a_hold() -> None:
    """Missing is not zero: nothing is known, nothing is done, nothing is said of tuning."""
    answer = asked(Brain(), a_line({"signals": None}))

    assert ("Hold", "Unreachable") == (answer["decision"]["kind"], answer["decision"]["reason"])
    assert (answer["diagnosis"]["bottleneck"], answer["tuningHelps"], answer["decision"]["target"]) == ("Unknown", None, None)


def test_old_figures_are_stale() -> None:
    """A minute's figures of more than a minute ago speak of another time."""
    fresh, stale = "2026-11-23T11:59:00Z", "2026-11-23T11:58:59Z"

    assert "Stale" != asked(Brain(), a_line({"signals.at": fresh}))["decision"]["reason"]
    assert ("Hold", "Stale") == tuple(asked(Brain(), a_line({"signals.at": stale}))["decision"][name] for name in ("kind", "reason"))


def test_an_absent_signal_is_told_with_its_reason() -> None:
    """What is named as absent, and what is not named at all."""
    absent = {"signals.values": {"requests_rps": 90}, "signals.absent": {"cpu_cores": "Stale"}}
    because = asked(Brain(), a_line(absent))["decision"]["because"]

    assert "cpu_cores (Stale)" in because
    assert "latency_mean_s (NoSeries)" in because


def test_an_autoscaler_that_owns_a_knob_is_told() -> None:
    """By its kind and name."""
    scaler = {"kind": "ScaledObject", "name": "orders-keda", "minReplicas": 2, "maxReplicas": 10}
    told = asked(Brain(), a_line({"deployment.autoscaler": scaler}))["decision"]

    assert "ScaledObject 'orders-keda'" in told["because"]


def test_a_setting_that_the_line_does_not_tell_is_one_that_the_template_leaves_open() -> None:
    """What the processes report stands in for it."""
    _, applied = first("Apply", Brain(), {"deployment.settings": {}})

    assert applied["status"]["current"]["poolSize"] == 2


def test_the_same_lines_give_the_same_bytes() -> None:
    """In ASCII, one line each, whatever ran before in another brain."""
    text = [json.dumps(later(15 * place, {"id": f"shop/größe-{place % 2}"})).encode() for place in range(6)]
    one, other = Brain(), Brain()
    answers = [one.answer(line) for line in text]

    assert answers == [other.answer(line) for line in text]
    assert all(answer.isascii() and b"\n" not in answer for answer in answers)


def test_an_answer_does_not_depend_on_the_order_of_names() -> None:
    """Neither of the spec, nor of the signals."""

    def reversed_names(part: Any) -> Any:  # noqa: ANN401 - any JSON value
        return {name: reversed_names(part[name]) for name in reversed(part)} if isinstance(part, dict) else part

    assert asked(Brain(), a_line()) == asked(Brain(), reversed_names(a_line()))
