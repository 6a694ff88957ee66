"""Charts of the results as SVG, for light and dark backgrounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from bench.tables import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.results import Results

_WIDTH, _ROW, _LEFT, _RIGHT, _TOP = 720, 30, 150, 90, 64
_COLORS = ("#2f6fb3", "#d9822b", "#4a9a5b")
_HEIGHT_OF_LINES = 320


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a stacked bar chart."""

    label: str
    parts: Sequence[float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a line chart."""

    label: str
    points: Sequence[tuple[float, float]]


def draw(results: Results, folder: Path) -> list[Path]:
    """Write the charts of all measured parts; return their files."""
    charts: dict[str, str] = {}
    if (hot := results.hot_path) is not None:
        bars = [
            Bar(name.replace("_", " "), (max(0.0, one.ours_ms), one.client_ms))
            for name, one in ((name, getattr(hot, name)) for name in OPERATIONS)
        ]
        charts["hot_path.svg"] = bar_chart("CPU of a request, ms", ("own", "Redis and DynamoDB clients"), bars)
    if results.cold:
        cold = [Bar(name, (one.import_cpu_ms, one.first_cpu_ms)) for name, one in results.cold.items()]
        charts["cold_start.svg"] = bar_chart("CPU of a cold start, ms", ("import", "first request"), cold)
    if results.growth:
        size = results.growth[0].value_bytes
        by_keys = [one for one in results.growth if one.value_bytes == size]
        by_size = results.growth[len({one.keys for one in by_keys}) :]
        for name, axis, chosen in (("keys", "keys in the namespace", by_keys), ("size", "bytes per value", by_size)):
            lines = [
                Line(operation.upper(), [(_x(name, one), getattr(one, f"{operation}_units")) for one in chosen])
                for operation in ("get", "put", "list")
            ]
            charts[f"growth_by_{name}.svg"] = line_chart(f"Units of a request, by {axis}", lines)
    if results.peers:
        peers = [
            Bar("KV Storage", (results.peers[0].ours_wall_ms["get"],)),
            *(Bar(peer.name, (peer.wall_ms["get"],)) for peer in results.peers),
        ]
        charts["peers.svg"] = bar_chart("GET called in process, ms", ("p50",), peers)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, chart in charts.items():
        files.append(folder / name)
        files[-1].write_text(chart)
    return files


def _x(name: str, one: object) -> float:
    return float(getattr(one, "keys" if name == "keys" else "value_bytes"))


def bar_chart(title: str, legend: Sequence[str], bars: Sequence[Bar]) -> str:
    """Return a stacked horizontal bar chart."""
    most = max(sum(bar.parts) for bar in bars) or 1
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    shapes = list(_legend(legend))
    for number, bar in enumerate(bars):
        y = _TOP + number * _ROW
        shapes.append(_text(_LEFT - 8, y + 14, bar.label, anchor="end"))
        x = float(_LEFT)
        for part, color in zip(bar.parts, _COLORS, strict=False):
            shapes.append(f'<rect x="{x:.1f}" y="{y}" width="{part * scale:.1f}" height="20" fill="{color}"/>')
            x += part * scale
        shapes.append(_text(x + 6, y + 14, f"{sum(bar.parts):.3g}"))
    return _chart(title, _TOP + len(bars) * _ROW + 10, shapes)


def line_chart(title: str, lines: Sequence[Line]) -> str:
    """Return a line chart with logarithmic axes."""
    xs = [math.log10(x) for line in lines for x, _ in line.points]
    ys = [math.log10(max(y, 0.1)) for line in lines for _, y in line.points]
    left, right, low, high = min(xs), max(xs), math.floor(min(ys)), math.ceil(max(ys) + 0.01)
    bottom = _HEIGHT_OF_LINES - 40

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - left) / ((right - left) or 1)
        up = (math.log10(max(y, 0.1)) - low) / (high - low)
        return 70 + across * (_WIDTH - 140), bottom - up * (bottom - _TOP)

    shapes = list(_legend([line.label for line in lines]))
    for decade in range(low, high + 1):
        _, y = place(10**left, 10**decade)
        shapes.append(f'<line x1="70" x2="{_WIDTH - 70}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8888" />')
        shapes.append(_text(62, y + 4, f"{10**decade:g}", anchor="end"))
    for x, _ in lines[0].points:
        shapes.append(_text(place(x, 1)[0], bottom + 20, f"{x:,.0f}", anchor="middle"))
    for line, color in zip(lines, _COLORS, strict=False):
        points = [place(*point) for point in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        shapes.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        shapes += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/>' for x, y in points]
    return _chart(title, _HEIGHT_OF_LINES, shapes)


def _legend(labels: Iterable[str]) -> Iterable[str]:
    x = 20
    for label, color in zip(labels, _COLORS, strict=False):
        yield f'<rect x="{x}" y="38" width="12" height="12" fill="{color}"/>'
        yield _text(x + 18, 49, label)
        x += 40 + 8 * len(label)


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _chart(title: str, height: int, shapes: Iterable[str]) -> str:
    style = "text{font:13px system-ui,sans-serif;fill:#444}@media(prefers-color-scheme:dark){text{fill:#ccc}}"
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n"
        f'<text x="20" y="24" style="font-weight:bold">{escape(title)}</text>\n{body}\n</svg>\n'
    )
