"""Views as HTML: self-contained, escaped, at home in light and dark."""

import html
from collections.abc import Sequence

from jupyter_mlplat.client.views import charts
from jupyter_mlplat.client.views.text import clean_log, strip_colours
from jupyter_mlplat.client.views.view import Cell, Chart, Mood, Table, View

# Inline styles only: a style element would leak into the page, and GitHub and nbconvert drop it.
_COLOURS = {
    Mood.PLAIN: "inherit",
    Mood.GOOD: "var(--jp-success-color1, #2e7d32)",
    Mood.BAD: "var(--jp-error-color1, #d32f2f)",
    Mood.BUSY: "var(--jp-brand-color1, #1976d2)",
    Mood.WARNING: "var(--jp-warn-color1, #b26a00)",
    Mood.QUIET: "var(--jp-ui-font-color2, #757575)",
}
_LINE = "1px solid var(--jp-border-color2, rgba(128, 128, 128, 0.35))"
_CARD = (
    f"border: {_LINE}; border-radius: 6px; padding: 10px 14px; margin: 4px 0; max-width: 60em; "
    "font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; "
    "line-height: 1.5; color: inherit; overflow-x: auto"
)
_TABLE = "border-collapse: collapse; margin: 8px 0 0; font-variant-numeric: tabular-nums"
_PRE = (
    "margin: 8px 0 0; padding: 0; background: transparent; color: inherit; white-space: pre; "
    "font-family: var(--jp-code-font-family, monospace); font-size: 12px; line-height: 1.4"
)


def draw(view: View) -> str:
    """Draw a view as one card."""
    parts = [_draw_title(view)]
    if view.progress is not None:
        parts.append(_draw_progress(view))
    if view.facts:
        parts.append(_draw_facts(view))
    if view.charts:
        parts.append(_draw_charts(view.charts))
    parts += [_draw_table(table) for table in view.tables if table.rows]
    if view.empty and not any(table.rows for table in view.tables):
        parts.append(_div(Cell(view.empty, Mood.QUIET)))
    parts += [_div(note) for note in view.notes]
    if view.block:
        parts.append(f'<pre style="{_PRE}">{_escape(view.block)}</pre>')
    return f'<div style="{_CARD}">{"".join(parts)}</div>'


def _draw_title(view: View) -> str:
    state = f" &ensp;{_span(view.state)}" if view.state else ""
    return f"<div><strong>{_escape(view.title)}</strong>{state}</div>"


def _draw_progress(view: View) -> str:
    percent = round(100 * min(1.0, max(0.0, view.progress or 0.0)))
    colour = _COLOURS[view.state.mood if view.state else Mood.BUSY]
    return (
        f'<div role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}" '
        'style="height: 4px; border-radius: 2px; margin: 6px 0; '
        'background: rgba(128, 128, 128, 0.25)">'
        f'<div style="height: 4px; border-radius: 2px; width: {percent}%; background: {colour}">'
        "</div></div>"
    )


def _draw_facts(view: View) -> str:
    rows = "".join(
        f'<tr style="background: transparent">{_td(Cell(label, Mood.QUIET))}{_td(cell)}</tr>'
        for label, cell in view.facts
    )
    return f'<table style="{_TABLE}"><tbody>{rows}</tbody></table>'


def _draw_table(table: Table) -> str:
    heads = "".join(
        f'<th scope="col" style="text-align: {_align(table, index)}; padding: 2px 14px 2px 0; '
        f'border-bottom: {_LINE}; font-weight: 600">{_escape(header)}</th>'
        for index, header in enumerate(table.headers)
    )
    rows = "".join(
        '<tr style="background: transparent">'
        + "".join(_td(cell, _align(table, index)) for index, cell in enumerate(row))
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<table style="{_TABLE}"><thead><tr style="background: transparent">{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _draw_charts(found: Sequence[Chart]) -> str:
    drawn = "".join(_draw_chart(charts.lay_out(chart)) for chart in found)
    return f'<div style="display: flex; flex-wrap: wrap; gap: 12px; margin: 10px 0 0">{drawn}</div>'


def _draw_chart(drawing: charts.Drawing) -> str:
    """Draw as SVG; where that is taken out, as on GitHub, facts and tables say the same."""
    shapes = [
        f'<path d="{path.d}" fill="none" stroke="{_stroke(path.colour)}" '
        f'stroke-width="{0.6 if path.colour is None else 1.6}"/>'
        for path in drawing.paths
    ]
    shapes += [
        f'<circle cx="{dot.x}" cy="{dot.y}" r="2.6" fill="{_stroke(dot.colour)}" '
        f'fill-opacity="0.75"><title>{_escape(dot.label)}</title></circle>'
        for dot in drawing.dots
    ]
    shapes += [
        f'<text x="{label.x}" y="{label.y}" text-anchor="{label.anchor}" '
        f'fill="{"currentColor" if label.colour is None else _stroke(label.colour)}" '
        f'font-size="{12 if label.is_title else 10}" '
        f'font-weight="{600 if label.is_title else 400}">{_escape(label.text)}</text>'
        for label in drawing.labels
    ]
    return (
        f'<svg role="img" aria-label="{_escape(drawing.text)}" '
        f'viewBox="0 0 {charts.WIDTH} {charts.HEIGHT}" '
        f'width="{charts.WIDTH}" style="max-width: 100%; height: auto">{"".join(shapes)}</svg>'
    )


_STROKES = ("#1976d2", "#d9730d", "#2e8b57", "#a64ca6", "#c0392b", "#5b7083")
"""At least 3:1 on white and on JupyterLab's dark ground."""


def _stroke(colour: int | None) -> str:
    return "rgba(128, 128, 128, 0.45)" if colour is None else _STROKES[colour % len(_STROKES)]


def _td(cell: Cell, align: str = "left") -> str:
    return (
        f'<td style="text-align: {align}; padding: 2px 14px 2px 0; vertical-align: top">'
        f"{_span(cell)}</td>"
    )


def _align(table: Table, index: int) -> str:
    return "right" if table.headers[index] in table.right else "left"


def _span(cell: Cell) -> str:
    text = _escape(cell.text)
    return (
        text
        if cell.mood is Mood.PLAIN
        else f'<span style="color: {_COLOURS[cell.mood]}">{text}</span>'
    )


def _div(note: Cell) -> str:
    return f'<div style="margin-top: 6px; white-space: pre-wrap">{_span(note)}</div>'


def _escape(text: str) -> str:
    return html.escape(clean_log(strip_colours(text)))
