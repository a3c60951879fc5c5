"""The story in pictures: one self-contained page, five charts over one time axis, the decisions marked in all of them."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from demo.answers import Answer, summarize
from demo.chart import Chart, Line, render
from demo.narrator import Mark
from demo.samples import Sample, Seen

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2937; background: #f8fafc }
body { margin: 0 auto; max-width: 1020px; padding: 28px 20px 60px }
h1 { font-size: 26px; margin: 0 0 4px } .lead { color: #475569; margin: 0 0 22px }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 12px; margin-bottom: 26px }
.card { background: #fff; border: 1px solid #e2e8f0; border-radius: 10px; padding: 12px 16px }
.card b { display: block; font-size: 24px; font-weight: 650 } .card span { color: #64748b; font-size: 13px }
figure { background: #fff; border: 1px solid #e2e8f0; border-radius: 10px; margin: 0 0 14px; padding: 12px 14px 6px }
figcaption { font-weight: 600; margin-bottom: 2px } figcaption small { color: #64748b; font-weight: 400 }
ol { background: #fff; border: 1px solid #e2e8f0; border-radius: 10px; padding: 14px 18px 14px 44px } li { margin: 3px 0 }
li time { color: #64748b; font-variant-numeric: tabular-nums; margin-right: 8px }
footer { color: #64748b; font-size: 13px; margin-top: 20px }
svg { display: block; width: 100%; height: auto } svg text { font: 11px system-ui, sans-serif; fill: #64748b }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that was recorded of one telling."""

    began: float
    ended: float
    objective_ms: int
    result: dict[str, Any]
    marks: tuple[Mark, ...]
    answers: tuple[Answer, ...]
    connections: tuple[Sample, ...]
    seen: tuple[Seen, ...]
    pool_wait_ms: tuple[Sample, ...]
    loop_lag_ms: tuple[Sample, ...]


def draw(scene: Scene) -> str:
    """Return the page."""
    figures = "".join(_figure(scene, *one) for one in _charts(scene))
    moments = "".join(f"<li><time>{mark.t - scene.began:.0f} s</time>{html.escape(mark.text)}</li>" for mark in scene.marks)
    cards = "".join(f'<div class="card"><b>{value}</b><span>{label}</span></div>' for value, label in _cards(scene.result))
    versions = ", ".join(f"{name} {html.escape(version)}" for name, version in scene.result["versions"].items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>apituner: the demo</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style></head><body><h1>A starved pool, cured by one change</h1>"
        '<p class="lead">A FastAPI service with two connections a pod misses its objective. The operator names the bottleneck, '
        "moves the pool within the connection budget, and refuses to buy anything against a blocked loop.</p>"
        f'<div class="cards">{cards}</div>{figures}<h2>What happened</h2><ol>{moments}</ol><footer>{versions}</footer></body></html>'
    )


def _cards(result: dict[str, Any]) -> list[tuple[str, str]]:
    target = result["recommended_only"]["target"]
    setting = f"{target['replicas']}&thinsp;&times;&thinsp;{target['workers']}&thinsp;&times;&thinsp;{target['poolSize']}"
    return [
        (f"{result['before']['p95_ms']} → {result['after']['p95_ms']} ms", f"p95 at the client, objective {result['objective_ms']} ms"),
        (setting, "replicas &times; workers &times; pool, from 2 &times; 1 &times; 2"),
        (str(result["rollouts"]), f"rollout, {result['failed_during_rollout']} requests failed by it"),
        (f"{result['connection_peak']} of {result['connection_budget']}", "connections at the peak of two rollouts"),
        (f"{result['seconds_to_objective']:.0f} s", "from being allowed to act to the objective met"),
        (result["blocked_loop"]["bottleneck"], "named after the bad release; no pool bought"),
    ]


def _charts(scene: Scene) -> list[tuple[str, str, Sequence[Line], float | None]]:
    settings = [
        ("replicas", "#7c3aed", [(one.t, float(one.replicas)) for one in scene.seen]),
        ("pool per worker", "#ea580c", [(one.t, float(one.settings.get("DB_POOL_SIZE", 0))) for one in scene.seen]),
    ]
    return [
        ("Latency at the client", "ms, p95 and p50 of each 3 s", _latencies(scene), scene.objective_ms),
        ("Pool wait", "ms, mean", [Line(label="wait for a connection", colour="#ea580c", points=_points(scene.pool_wait_ms))], None),
        ("Event-loop lag", "ms, p99", [Line(label="lag", colour="#dc2626", points=_points(scene.loop_lag_ms))], None),
        (
            "Connections in the database",
            "counted in pg_stat_activity, four times a second",
            [Line(label="open", colour="#0d9488", points=_points(scene.connections), steps=True)],
            scene.result["connection_budget"],
        ),
        (
            "Settings",
            "as the Deployment asks for them",
            [Line(label=label, colour=colour, points=tuple(points), steps=True) for label, colour, points in settings],
            None,
        ),
    ]


def _latencies(scene: Scene) -> Sequence[Line]:
    step_s = 3.0
    buckets: dict[int, list[Answer]] = {}
    for answer in scene.answers:
        buckets.setdefault(int((answer.t - scene.began) / step_s), []).append(answer)
    felt = [(scene.began + (index + 0.5) * step_s, summarize(buckets[index])) for index in sorted(buckets)]
    return [
        Line(label="p95", colour="#2563eb", points=tuple((t, one.p95_s * 1e3) for t, one in felt)),
        Line(label="p50", colour="#93c5fd", points=tuple((t, one.p50_s * 1e3) for t, one in felt)),
    ]


def _points(samples: Sequence[Sample]) -> tuple[tuple[float, float], ...]:
    return tuple((one.t, one.value) for one in samples)


def _figure(scene: Scene, title: str, unit: str, lines: Sequence[Line], limit: float | None) -> str:
    chart = Chart(began=scene.began, ended=scene.ended, lines=tuple(lines), limit=limit, marks=tuple(mark.t for mark in scene.marks))
    return f"<figure><figcaption>{title} <small>{unit}</small></figcaption>{render(chart, title=title)}</figure>"
