"""The transcript of a story: one line a tick, what was seen and what was decided; and ``python -m golden``, which writes them all."""

import json
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from apituner.cli.filter.brain import Brain
from golden import stories
from golden.story import Ask, Moment, Story, played

TOLD = Path(__file__).parent / "told"
NAMES = sorted(module.name for module in iter_modules(stories.__path__))


def story(name: str) -> Story:
    """Return the story of a file."""
    found: Story = import_module(f"golden.stories.{name}").STORY
    return found


def in_process() -> Ask:
    """Return a brain of this very process, as the command has it."""
    brain = Brain()

    def ask(line: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(brain.answer(json.dumps(line).encode()))
        return answer

    return ask


def told(of: Story, moments: Iterable[Moment]) -> str:
    """Return the transcript: what is the same as at the tick before is told once, and counted."""
    lines, last, repeated = [of.title, ""], "", 0
    for moment in moments:
        said = _said(moment)
        if said == last and not moment.happened:
            repeated += 1
            continue
        if repeated:
            lines.append(_the_same(repeated))
        lines += [f"-- {what}" for what in moment.happened]
        lines.append(f"{moment.asked['now'][11:19]}  {said}")
        last, repeated = said, 0
    if repeated:
        lines.append(_the_same(repeated))
    return "\n".join(lines) + "\n"


def _the_same(ticks: int) -> str:
    return f"          the same at the next {ticks} ticks" if ticks > 1 else "          the same at the next tick"


def _said(moment: Moment) -> str:
    asked, answered = moment.asked, moment.answered
    return f"{_pods(asked['deployment'])} | {_seen(asked['signals'])} | {_decided(answered)}"


def _pods(told: Mapping[str, Any]) -> str:
    setting = "x".join(str(told["settings"][name]["value"]) for name in ("workers", "poolSize"))
    return f"{told['readyReplicas']}/{told['replicas']}x{setting}"


def _seen(told: Mapping[str, Any] | None) -> str:
    if told is None:
        return "Prometheus does not answer"
    values = told["values"]

    def figure(name: str, unit: float, form: str) -> str:
        return form.format(values[name] * unit) if name in values else f"no {name}"

    parts = [
        figure("requests_rps", 1, "{:.0f} rps"),
        figure("latency_objective_s", 1e3, "p95 {:.0f} ms"),
        figure("cpu_cores", 1, "cpu {:.2f}"),
        figure("pool_wait_mean_s", 1e3, "wait {:.0f} ms"),
        figure("query_mean_s", 1e3, "query {:.0f} ms"),
    ]
    parts += [figure("loop_blocked_ratio", 100, "blocked {:.0f} %")] if values.get("loop_blocked_ratio") else []
    parts += [figure("errors_ratio", 100, "errors {:.0f} %")] if values.get("errors_ratio") else []
    return ", ".join(parts)


def _decided(answered: Mapping[str, Any]) -> str:
    decision = answered["decision"]
    said = f"{decision['kind']} {decision['reason']}: {decision['because']}"
    if decision["step"] is not None:
        target, change = decision["target"], answered["status"]["lastChange"]
        aim = "x".join(str(target[name]) for name in ("replicas", "workers", "poolSize"))
        said += f" => {aim} ({change['plan']}), now {', '.join(f'{name} {value}' for name, value in decision['step'].items())}"
    if answered["tuningHelps"] is False:
        said += " [tuning cannot help]"
    return said


def main() -> None:
    """Tell all stories anew."""
    for path in TOLD.glob("*.txt"):
        path.unlink()
    for name in NAMES:
        (TOLD / f"{name}.txt").write_text(told(story(name), played(story(name), in_process())), encoding="utf-8")
        print(f"told {name}")
