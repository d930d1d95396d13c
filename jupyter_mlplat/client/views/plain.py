"""Views as plain values, for those who draw them elsewhere: strings, numbers, lists, dicts."""

import math
from typing import Any

from jupyter_mlplat.client.views import charts
from jupyter_mlplat.client.views.text import clean_log, strip_colours
from jupyter_mlplat.client.views.view import Cell, Chart, Series, Table, View


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
            # Lines say the same as metrics, and more.
            if label != "metrics" or not (view.series or view.charts)
        ],
        "series": [_draw_series(series) for series in view.series],
        "charts": [_draw_chart(chart) for chart in view.charts],
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


def _draw_chart(chart: Chart) -> dict[str, Any]:
    drawing = charts.lay_out(chart)
    return {
        "text": _clean(drawing.text),
        "width": charts.WIDTH,
        "height": charts.HEIGHT,
        "paths": [[path.d, path.colour] for path in drawing.paths],
        "dots": [[dot.x, dot.y, dot.colour, _clean(dot.label)] for dot in drawing.dots],
        "labels": [
            {
                "x": label.x,
                "y": label.y,
                "text": _clean(label.text),
                "anchor": label.anchor,
                "colour": label.colour,
                "title": label.is_title,
            }
            for label in drawing.labels
        ],
    }


def _clean(text: str) -> str:
    return clean_log(strip_colours(text))
