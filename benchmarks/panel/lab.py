"""JupyterLab on a state directory full of runs, with nothing of the user's."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.panel.history import fill
from tests.ui.conftest import PROGRAM, Lab, isolated_environment

EXTENSION = "jupyter-mlplat"
NOTEBOOK = "long.ipynb"


@contextmanager
def filled_lab(runs: int, cells: int) -> Iterator[Lab]:
    """Start a server whose engine is up and knows many runs; its folder holds a long notebook."""
    base = Path(tempfile.mkdtemp(prefix="mlplat-bench-", dir="/tmp"))
    environment = isolated_environment(base)
    folder = base / "work"
    folder.mkdir()
    (folder / NOTEBOOK).write_text(json.dumps(_notebook(cells)))
    fill(base / "mlplat", runs)
    subprocess.run([PROGRAM, "engine", "start"], env=environment, check=True, capture_output=True)
    lab = Lab(base, folder, environment)
    try:
        lab.start()
        yield lab
    finally:
        if lab.process is not None:
            lab.stop()
        subprocess.run([PROGRAM, "engine", "stop"], env=environment, capture_output=True)
        shutil.rmtree(base, ignore_errors=True)


def set_extension(lab: Lab, is_on: bool) -> None:
    """Let the pages that are opened from now on have the extension, or not."""
    config = lab.base / "config" / "labconfig" / "page_config.json"
    config.write_text(json.dumps({"disabledExtensions": {EXTENSION: not is_on}}))


def _notebook(cells: int) -> dict[str, object]:
    """Make a notebook in which every cell reads what the one before made."""
    sources = ["x0 = 1", *(f"x{number} = x{number - 1} + {number}" for number in range(1, cells))]
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(sources)
        ],
    }
