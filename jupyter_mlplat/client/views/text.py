"""Views as plain text, with colours where the caller brings paint."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from jupyter_mlplat.client.views.charts import bars
from jupyter_mlplat.client.views.view import Cell, Chart, Mood, Table, View

Paint = Callable[[str, Mood], str]

# Colours and weights pass (CSI … m); every other escape sequence, OSC in particular, is dropped.
_ESCAPES = re.compile(
    r"\x1b\[[0-9;:]*m"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\Z)"
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str, mood: Mood) -> str:
    """Paint without paint."""
    return text


def clean_line(text: str) -> str:
    """Make text fit for one line of a terminal: no control characters, no hidden direction."""
    return "".join(_show(character) for character in text)


def clean_log(text: str) -> str:
    """Make what a program wrote fit for a terminal: colours stay, other escapes do not."""
    kept = _ESCAPES.sub(lambda match: match[0] if _COLOUR.fullmatch(match[0]) else "", text)
    return "".join(c if c in "\n\t\r\x1b" else _show(c) for c in kept)


def strip_colours(text: str) -> str:
    """Drop every escape sequence."""
    return _ESCAPES.sub("", text)


def draw(view: View, paint: Paint = plain, columns: int | None = None) -> str:
    """Draw a view as lines of text, without a newline at the end.

    Args:
        view: What to show.
        paint: Brings colours.
        columns: Width of the terminal: the last column of a table is cut there. None: no limit.
    """
    blocks = [_draw_head(view, paint)]
    blocks += ["\n".join(_draw_lines(view.charts, paint))] if view.charts else []
    blocks += [draw_table(table, paint, columns) for table in view.tables if table.rows]
    if view.empty and not any(table.rows for table in view.tables):
        blocks.append(paint(view.empty, Mood.QUIET))
    if view.notes:
        blocks.append("\n".join(_draw_note(note, paint) for note in view.notes))
    if view.block:
        blocks.append(clean_log(view.block))
    return "\n\n".join(block for block in blocks if block)


def draw_table(table: Table, paint: Paint = plain, columns: int | None = None) -> str:
    """Draw a table with aligned columns; the last one is not padded, and cut where it must be."""
    rows = [[Cell(clean_line(cell.text), cell.mood) for cell in row] for row in table.rows]
    widths = [
        max(width(header), *(width(row[index].text) for row in rows))
        for index, header in enumerate(table.headers)
    ]
    if columns is not None:
        left = max(8, columns - sum(widths[:-1]) - 2 * (len(widths) - 1))
        widths[-1] = min(widths[-1], left)
        for row in rows:
            row[-1] = Cell(clip(row[-1].text, left), row[-1].mood)
    heads = [Cell(header, Mood.QUIET) for header in table.headers]
    return "\n".join(_draw_row(row, widths, table, paint) for row in (heads, *rows))


def width(text: str) -> int:
    """Count terminal columns."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def clip(text: str, columns: int) -> str:
    """Cut text to a width; an ellipsis says so."""
    if width(text) <= columns:
        return text
    while width(text) > columns - 1:
        text = text[:-1]
    return text + "…"


def join_names(names: Iterable[str], limit: int = 6) -> str:
    """List names, the first few of them when there are many."""
    names = list(names)
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _draw_head(view: View, paint: Paint) -> str:
    title = clean_line(view.title)
    if view.state is not None:
        title += "  " + paint(clean_line(view.state.text), view.state.mood)
    label_width = max((len(label) for label, _ in view.facts), default=0)
    lines = [
        paint(f"{label:<{label_width}}", Mood.QUIET)
        + "  "
        + paint(clean_line(cell.text), cell.mood)
        for label, cell in view.facts
    ]
    return "\n".join(line for line in (title, *lines) if line)


def _draw_row(row: list[Cell], widths: list[int], table: Table, paint: Paint) -> str:
    parts = []
    for index, cell in enumerate(row):
        gap = " " * (widths[index] - width(cell.text))
        if table.headers[index] in table.right:
            parts.append(gap + paint(cell.text, cell.mood))
        elif index == len(row) - 1:
            parts.append(paint(cell.text, cell.mood))
        else:
            parts.append(paint(cell.text, cell.mood) + gap)
    return "  ".join(parts).rstrip()


def _draw_lines(found: Iterable[Chart], paint: Paint) -> Iterator[str]:
    """Draw each line of each chart as bars in one line of text; dots have no such order."""
    lines = [line for chart in found for line in chart.lines if line.points and line.kind != "dots"]
    wide = max((width(clean_line(line.name)) for line in lines), default=0)
    for line in lines:
        values = [value for _, value in line.points]
        name = clean_line(line.name)
        gap = " " * (wide - width(name))
        yield f"{paint(name + gap, Mood.QUIET)}  {bars(values)}  {values[-1]:.6g}"


def _draw_note(note: Cell, paint: Paint) -> str:
    return paint("\n".join(clean_line(line) for line in note.text.splitlines()), note.mood)


def _show(character: str) -> str:
    if character in _BIDI or unicodedata.category(character) == "Cc":
        return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return character
