"""The executed notebook of a step, as nbformat 4.5 JSON.

Written without nbformat: importing its validator costs more than most steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .files import dump_json


class ExecutedNotebook:
    """The cells of a step and what they showed so far."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._cells: list[dict[str, Any]] = [
            {
                "cell_type": "code",
                "id": cell["id"],
                "execution_count": None,
                "metadata": {"mlplat": {"index": cell["index"], "state": "pending"}},
                "outputs": [],
                "source": cell["source"],
            }
            for cell in order["cells"]
        ]
        self._metadata: dict[str, Any] = {
            **order.get("notebook_metadata", {}),
            "mlplat": {
                key: order.get(key)
                for key in ("run", "run_number", "step", "attempt", "parameters")
            },
        }

    def start_cell(self, number: int, at: float) -> None:
        """Mark a cell as running."""
        self._cells[number]["metadata"]["mlplat"].update(state="running", started_at=at)

    def end_cell(
        self, number: int, state: str, duration_s: float, count: Any, outputs: list[dict[str, Any]]
    ) -> None:
        """Record how a cell ended."""
        cell = self._cells[number]
        cell["metadata"]["mlplat"].update(state=state, duration_s=round(duration_s, 6))
        cell["execution_count"], cell["outputs"] = count, outputs

    def to_bytes(self, state: str) -> bytes:
        """Return the notebook as a file's content."""
        self._metadata["mlplat"]["state"] = state
        return dump_json(
            {"cells": self._cells, "metadata": self._metadata, "nbformat": 4, "nbformat_minor": 5}
        )
