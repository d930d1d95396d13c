"""States, durations, ages and numbers, as people write them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from jupyter_mlplat.client.views.text import join_names
from jupyter_mlplat.client.views.view import Cell, Mood

_MOODS = {
    "PENDING": Mood.QUIET,
    "QUEUED": Mood.QUIET,
    "RUNNING": Mood.BUSY,
    "SUCCEEDED": Mood.GOOD,
    "FAILED": Mood.BAD,
    "SKIPPED": Mood.QUIET,
    "CANCELING": Mood.WARNING,
    "CANCELED": Mood.WARNING,
    "READY": Mood.GOOD,
    "LOADING": Mood.BUSY,
    "DEGRADED": Mood.WARNING,
    "STOPPED": Mood.QUIET,
    "WAITING": Mood.WARNING,
    "MISSED": Mood.WARNING,
    "PAUSED": Mood.WARNING,
}


_MARKS = {
    "PENDING": "·",
    "QUEUED": "·",
    "RUNNING": "●",
    "SUCCEEDED": "✓",
    "FAILED": "✗",
    "SKIPPED": "–",
    "CANCELING": "◌",
    "CANCELED": "◌",
    "READY": "✓",
    "LOADING": "●",
    "DEGRADED": "!",
    "STOPPED": "◌",
    "WAITING": "·",
    "MISSED": "–",
    "PAUSED": "‖",
}


def state_cell(state: str) -> Cell:
    """Show a state as a mark and a word, so that colour alone says nothing."""
    return Cell(f"{_MARKS.get(state, '?')} {state.lower()}", _MOODS.get(state, Mood.PLAIN))


def format_duration(seconds: float | None) -> str:
    """Write a duration for people: `12 ms`, `3.4 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds is None:
        return ""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def format_age(moment: datetime | None, now: datetime | None = None) -> str:
    """Say how long ago something was: `just now`, `5 min ago`, `2026-11-20`."""
    if moment is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    for limit, size, unit in ((60, 0, ""), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // size)} {unit} ago" if size else "just now"
    return moment.astimezone().date().isoformat()


def format_number(value: float) -> str:
    """Write a metric: short, and exact enough."""
    return f"{value:.6g}"


def format_metrics(metrics: Mapping[str, float], limit: int = 6) -> str:
    """Write metrics in one line, the first few of them when there are many."""
    return join_names((f"{name} {format_number(value)}" for name, value in metrics.items()), limit)


def place(message: str, cell: str | None, line: int | None) -> str:
    if cell is None:
        return message
    return f"cell {cell}" + (f", line {line}" if line else "") + f": {message}"


def format_count(number: int, noun: str) -> str:
    """Say how many there are of something."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
