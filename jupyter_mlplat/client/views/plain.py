"""Views as plain values, for those who draw them elsewhere: strings, numbers, lists, dicts."""

import math
from typing import Any

from jupyter_mlplat.client.views.text import clean_log, strip_colours
from jupyter_mlplat.client.views.view import Cell, Series, Table, View


def draw(view: View) -> dict[str, Any]:
    """Write a view down, without escape sequences and hidden characters."""
    return {
        "title": _clean(view.title),
        "state": _draw_cell(view.state) if view.state else None,
        "link": view.link,
        "progress": view.progress,
        "facts": [
            [_clean(label), _draw_cell(cell)]
            for label, cell in view.facts
            if label != "metrics" or not view.series  # which say the same, and more
        ],
        "series": [_draw_series(series) for series in view.series],
        "tables": [_draw_table(table) for table in view.tables if table.rows],
        "notes": [_draw_cell(note) for note in view.notes],
        "block": _clean(view.block),
        "empty": "" if any(table.rows for table in view.tables) else _clean(view.empty),
    }


def _draw_table(table: Table) -> dict[str, Any]:
    return {
        "headers": [_clean(header) for header in table.headers],
        "right": [header in table.right for header in table.headers],
        "rows": [[_draw_cell(cell) for cell in row] for row in table.rows],
    }


def _draw_cell(cell: Cell) -> dict[str, str]:
    drawn = {"text": _clean(cell.text), "mood": cell.mood.value}
    return {**drawn, "link": cell.link} if cell.link else drawn


def _draw_series(series: Series) -> dict[str, Any]:
    # JSON knows no NaN: a gap in the line.
    values = [value if math.isfinite(value) else None for value in series.values]
    return {"name": _clean(series.name), "text": f"{series.values[-1]:.6g}", "values": values}


def _clean(text: str) -> str:
    return clean_log(strip_colours(text))
