"""Small notebooks as cell sources, compiled with one step per cell."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from jupyter_mlplat.compiler import FolderView, compile_notebook
from jupyter_mlplat.resources.pipeline import Pipeline

Compile = Callable[..., Pipeline]


def notebook(*cells: str | Mapping[str, Any]) -> dict[str, Any]:
    found = []
    for index, cell in enumerate(cells):
        content = {"cell_type": "code", "source": cell} if isinstance(cell, str) else dict(cell)
        found.append({"metadata": {}, "id": f"c{index}", **content})
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": found}


@pytest.fixture
def compiled() -> Compile:
    def compile_cells(
        *cells: str | Mapping[str, Any],
        split: str = "cell",
        files: Mapping[str, str] | None = None,
    ) -> Pipeline:
        return compile_notebook(
            notebook(*cells),
            name="test",
            split=split,  # type: ignore[arg-type]
            folder=FolderView(files or {}),
        )

    return compile_cells
