"""What there is to show, before anybody decides how."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Mood(StrEnum):
    """How something should strike the eye."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    BUSY = "busy"
    WARNING = "warning"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a mood; `link` names what it stands for, as `run/ID` or `model/NAME`."""

    text: str
    mood: Mood = Mood.PLAIN
    link: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; columns named in `right` are aligned to the right."""

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Series:
    """A number over time, the newest last."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """Points of a chart, drawn as a line, as steps or as dots; a NaN is a gap."""

    name: str
    points: tuple[tuple[float, float], ...]
    kind: Literal["line", "step", "dots"] = "line"


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over one axis."""

    title: str
    lines: tuple[Line, ...]
    axis: str = ""  # what runs from left to right


@dataclass(frozen=True, slots=True)
class View:
    """A card: a title, facts, series, charts, tables, notes and a block of preformatted text."""

    title: str
    state: Cell | None = None
    facts: tuple[tuple[str, Cell], ...] = ()
    progress: float | None = None  # 0 to 1
    tables: tuple[Table, ...] = ()
    notes: tuple[Cell, ...] = ()
    block: str = ""
    empty: str = ""  # said instead of tables without rows
    link: str = ""  # what it shows, as a cell's
    series: tuple[Series, ...] = ()  # drawn where there is room for a line; in facts elsewhere
    charts: tuple[Chart, ...] = ()
