"""The variables that functions share by closing over them.

A cell is made empty before the functions on it, because it may hold one of them, and is filled
once. Two functions over one variable so have one cell wherever they arrive.
"""

from __future__ import annotations

import types
from typing import Any


class Hollow:
    """Stands for a cell in the pickle; where it is loaded it is that cell, still empty."""

    def __reduce__(self) -> Any:
        return types.CellType, ()


class Cells:
    """The cells that one pickle has met."""

    def __init__(self) -> None:
        self._hollow: dict[int, tuple[types.CellType, Hollow]] = {}

    def hollow(self, func: types.FunctionType) -> tuple[Hollow, ...] | None:
        """Return what to make a function on: its cells, without what they hold."""
        cells = func.__closure__
        return None if cells is None else tuple(self._of(cell) for cell in cells)

    def reduce(self, cell: types.CellType) -> Any:
        """Reduce a cell with what it holds."""
        made = same, (self._of(cell),)
        try:
            content = cell.cell_contents
        except ValueError:  # nothing is assigned to the variable yet
            return made
        return *made, (content,), None, None, fill_cell

    def _of(self, cell: types.CellType) -> Hollow:
        return self._hollow.setdefault(id(cell), (cell, Hollow()))[1]


def same(cell: types.CellType) -> types.CellType:
    """Return the cell."""
    return cell


def fill_cell(cell: types.CellType, state: tuple[Any]) -> None:
    """Assign the variable."""
    (cell.cell_contents,) = state
