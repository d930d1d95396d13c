"""Charts as shapes: where lines, dots, grid and labels lie. Who draws them chooses the colours."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from jupyter_mlplat.client.views.view import Chart, Line

WIDTH, HEIGHT = 360, 168
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 22, 22
_MOST_POINTS = 240
"""More than there are pixels to tell them apart."""
COLOURS = 6
_FAR = 1e300
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Path:
    """A line; `colour` counts the lines of a chart, None is the grid."""

    d: str
    colour: int | None = None


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    colour: int
    label: str


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    colour: int | None = None
    is_title: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart, laid out; `text` says the same in words."""

    text: str
    paths: tuple[Path, ...]
    dots: tuple[Dot, ...]
    labels: tuple[Label, ...]


def lay_out(chart: Chart) -> Drawing:
    """Lay a chart out on an area of `WIDTH` × `HEIGHT`."""
    lines = [_thinned(line) for line in chart.lines]
    points = [point for line in lines for point in line.points if _is_finite(point)]
    labels = [Label(0, 12, chart.title, is_title=True)]
    if not points:
        labels.append(Label(WIDTH / 2, HEIGHT / 2, "No values yet", "middle"))
        return Drawing(f"{chart.title}: no values yet", (), (), tuple(labels))
    places = [x for x, _ in points]
    is_whole = all(place.is_integer() for place in places)
    across = _Scale(places, _LEFT, WIDTH - _RIGHT, is_whole)
    up = _Scale([y for _, y in points], HEIGHT - _BOTTOM, _TOP)
    paths = [Path(f"M{_LEFT} {up(tick):.1f}H{WIDTH - _RIGHT}") for tick in up.ticks]
    labels += [
        Label(_LEFT - 6, round(up(tick) + 3.5, 1), _number(tick), "end") for tick in up.ticks
    ]
    labels += [
        Label(round(across(tick), 1), HEIGHT - 6, _number(tick), "middle") for tick in across.ticks
    ]
    dots: list[Dot] = []
    for index, line in enumerate(lines):
        colour = index % COLOURS
        placed = [(across(x), up(y)) if _is_finite((x, y)) else None for x, y in line.points]
        if line.kind == "dots" or len(line.points) == 1:
            dots += [
                Dot(round(at[0], 1), round(at[1], 1), colour, f"{line.name} {_number(y)}")
                for at, (_, y) in zip(placed, line.points, strict=True)
                if at is not None
            ]
        else:
            paths.append(Path(_trace(placed, line.kind == "step"), colour))
    labels += _legend(lines)
    if chart.axis:
        labels.append(Label(_LEFT - 6, HEIGHT - 6, chart.axis, "end"))
    return Drawing(_in_words(chart), tuple(paths), tuple(dots), tuple(labels))


def bars(values: Sequence[float], width: int = 24) -> str:
    """Draw values in one line of text: `▁▂▄▇`."""
    known = [value for value in values if math.isfinite(value)][-width:]
    if not known:
        return ""
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    return "".join(_BARS[min(7, int((value - low) / span * 8))] for value in known)


class _Scale:
    """Puts numbers on a stretch, with round numbers as ticks."""

    def __init__(
        self, values: Iterable[float], start: float, end: float, is_whole: bool = False
    ) -> None:
        found = list(values)
        low, high = min(found), max(found)
        if low == high:
            margin = abs(low) * 0.1 or 1.0
            low, high = low - margin, high + margin
        self._low, self._high, self._start, self._end = low, high, start, end
        self.ticks = tuple(_ticks(low, high, 5 if start < end else 3, is_whole))

    def __call__(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)


def _ticks(low: float, high: float, wanted: int, is_whole: bool) -> list[float]:
    rough = (high - low) / wanted
    size = 10.0 ** math.floor(math.log10(rough))
    step = min((size * factor for factor in (1, 2, 5, 10)), key=lambda s: abs(s - rough))
    if is_whole:
        step = max(1.0, step)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)][:12]


def _trace(placed: Sequence[tuple[float, float] | None], is_step: bool) -> str:
    parts: list[str] = []
    is_down = False
    for at in placed:
        if at is not None:
            x, y = at
            if not is_down:
                parts.append(f"M{x:.1f} {y:.1f}")
            elif is_step:
                parts.append(f"H{x:.1f}V{y:.1f}")
            else:
                parts.append(f"L{x:.1f} {y:.1f}")
        is_down = at is not None
    return "".join(parts)


def _legend(lines: Sequence[Line]) -> list[Label]:
    """Name lines at the right of the title, where there are several."""
    if len(lines) < 2:
        return []
    found, right = [], float(WIDTH - _RIGHT)
    for index, line in reversed(list(enumerate(lines))):
        name = line.name if len(line.name) <= 18 else f"{line.name[:17]}…"
        found.append(Label(round(right, 1), 12, f"● {name}", "end", colour=index % COLOURS))
        right -= 6.2 * (len(name) + 3)
        if right < WIDTH / 2.5:
            break
    return found[::-1]


def _thinned(line: Line) -> Line:
    """Keep the lowest and the highest of what falls together."""
    count = len(line.points)
    if count <= _MOST_POINTS or line.kind == "dots":
        return Line(line.name, line.points[-4 * _MOST_POINTS :], line.kind)
    width = math.ceil(2 * count / _MOST_POINTS)
    kept: list[tuple[float, float]] = []
    for start in range(0, count, width):
        piece = line.points[start : start + width]
        finite = [point for point in piece if _is_finite(point)]
        if not finite:
            kept.append(piece[0])
            continue
        ends = {min(finite, key=lambda p: p[1]), max(finite, key=lambda p: p[1])}
        kept += sorted(ends)
    return Line(line.name, tuple(kept), line.kind)


def _in_words(chart: Chart) -> str:
    said = []
    for line in chart.lines:
        values = [y for x, y in line.points if _is_finite((x, y))]
        if values:
            said.append(
                f"{line.name}: {len(values)} values, last {_number(values[-1])}, "
                f"lowest {_number(min(values))}, highest {_number(max(values))}"
            )
    return f"{chart.title}. {'; '.join(said)}."


def _is_finite(point: tuple[float, float]) -> bool:
    """Tell whether a point can be placed: the distance of any two is a number."""
    return abs(point[0]) < _FAR and abs(point[1]) < _FAR


def _number(value: float) -> str:
    return f"{value:.4g}"
