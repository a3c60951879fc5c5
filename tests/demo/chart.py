"""A line chart as inline SVG: a few lines over time, a dashed limit, numbered moments."""

import html
import math
from dataclasses import dataclass

_WIDTH, _HEIGHT = 960.0, 178.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 14.0, 30.0, 22.0
_TICKS = 4
_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One series: points of (seconds since the epoch, value)."""

    label: str
    colour: str
    points: tuple[tuple[float, float], ...]
    steps: bool = False
    """Whether the value stays until it changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What to draw."""

    began: float
    ended: float
    lines: tuple[Line, ...]
    limit: float | None
    marks: tuple[float, ...]


def render(chart: Chart, *, title: str) -> str:
    """Return the SVG element."""
    values = [value for line in chart.lines for _, value in line.points if math.isfinite(value)]
    top = _round_up(max([*values, chart.limit or 0, 1.0]) * 1.05)
    parts = [*_grid(chart, top), *_moments(chart)]
    if chart.limit is not None:
        y = _y(chart.limit, top)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#16a34a" stroke-dasharray="6 4"/>')
        parts.append(f'<text x="{_WIDTH - _RIGHT}" y="{y - 4:.1f}" text-anchor="end" style="fill:#16a34a">{chart.limit:g}</text>')
    for index, line in enumerate(chart.lines):
        parts.append(f'<path d="{_path(chart, line, top)}" fill="none" stroke="{line.colour}" stroke-width="1.8"/>')
        x = _LEFT + 8 + index * 130
        parts.append(f'<rect x="{x}" y="6" width="10" height="3" fill="{line.colour}"/>')
        parts.append(f'<text x="{x + 15}" y="11">{html.escape(line.label)}</text>')
    return f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{html.escape(title)}">{"".join(parts)}</svg>'


def _grid(chart: Chart, top: float) -> list[str]:
    parts = []
    for tick in range(_TICKS + 1):
        value = top * tick / _TICKS
        y = _y(value, top)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e2e8f0"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for second in range(0, int(chart.ended - chart.began) + 1, _SECONDS):
        x = _x(chart, chart.began + second)
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{second} s</text>')
    return parts


def _moments(chart: Chart) -> list[str]:
    parts = []
    for number, t in enumerate(chart.marks, start=1):
        x = _x(chart, t)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="#94a3b8" stroke-dasharray="2 3"/>')
        parts.append(f'<text x="{x:.1f}" y="{_TOP - 3}" text-anchor="middle">{number}</text>')
    return parts


def _path(chart: Chart, line: Line, top: float) -> str:
    parts: list[str] = []
    for t, value in line.points:
        if not (math.isfinite(value) and chart.began <= t <= chart.ended):
            continue
        x, y = _x(chart, t), _y(value, top)
        if not parts:
            parts.append(f"M{x:.1f} {y:.1f}")
        else:
            parts.append(f"H{x:.1f}V{y:.1f}" if line.steps else f"L{x:.1f} {y:.1f}")
    return "".join(parts)


def _x(chart: Chart, t: float) -> float:
    return _LEFT + (t - chart.began) / max(chart.ended - chart.began, 1.0) * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)


def _round_up(value: float) -> float:
    """Return the next number whose quarters are round: 1, 2, 4 or 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value)
