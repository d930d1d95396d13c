"""A ten-cell notebook as a step: `python -m benchmarks.notebook_step`.

Our warm worker has imported the libraries before, as it has for every step after the first; the
peers import them in each step, which is what this measures.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.notebook_step import ours
from benchmarks.peers import Aim, machine, table, verdicts

PEER = Path(__file__).with_name("peer.py")
LIBRARIES = ("numpy", "pandas", "sklearn", "sklearn.linear_model")
CELLS = {
    "plain": [f"x{number} = {number}\nprint(x{number})" for number in range(10)],
    "with libraries": [
        "import numpy, pandas, sklearn.linear_model\nx0 = 0\nprint(x0)",
        *(f"x{number} = {number}\nprint(x{number})" for number in range(1, 10)),
    ],
}
AIMS = [
    ("papermill.execute_notebook / ours", "plain", "papermill", 6.0),
    ("papermill.execute_notebook / ours, with libraries", "with libraries", "papermill", 15.0),
    ("papermill in a process of its own / ours", "plain", "process", 20.0),
]
FIRST_STATEMENT_S = 0.05
CONTENDERS = {
    "ours": "jupyter-mlplat, a step from its order to its executed notebook",
    "first": "jupyter-mlplat, from the order to the first statement",
    "papermill": "`papermill.execute_notebook`, import not counted",
    "process": "papermill in a process of its own: what Elyra's local runner does for a node",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notebook_step")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    figures = {kind: measure(cells, kind, given.rounds) for kind, cells in CELLS.items()}
    if given.json:
        print(json.dumps({"machine": machine(), "seconds": figures}))
    else:
        show(figures)


def measure(cells: list[str], kind: str, rounds: int) -> dict[str, float]:
    """Return the seconds that each contender takes for a notebook."""
    preload = LIBRARIES if kind == "with libraries" else ()
    mine = asyncio.run(ours.measure(cells, preload, rounds))
    with tempfile.TemporaryDirectory(prefix="mlb-") as folder:
        source = Path(folder) / "source.ipynb"
        source.write_text(json.dumps(_notebook(cells)))
        inside = _peer(source, rounds)
        nodes = [_node(source) for _ in range(min(rounds, 3))]
    return {
        "ours": mine["step"],
        "first": mine["first"],
        "papermill": statistics.median(inside),
        "process": statistics.median(nodes),
    }


def show(figures: dict[str, dict[str, float]]) -> None:
    """Print the figures and what was aimed for."""
    print(machine(), "\n")
    rows = [
        [label, *(f"{1000 * row[who]:.1f}" for row in figures.values())]
        for who, label in CONTENDERS.items()
    ]
    print(table(["ms, notebook of ten cells", *figures], rows), "\n")
    aims = [
        Aim(text, figures[kind][peer] / figures[kind]["ours"], bound)
        for text, kind, peer, bound in AIMS
    ]
    aims += [
        Aim(f"order to first statement, {kind}, s", row["first"], FIRST_STATEMENT_S, False)
        for kind, row in figures.items()
    ]
    print(verdicts(aims))


def _peer(source: Path, rounds: int) -> list[float]:
    target = source.with_name("target.ipynb")
    done = subprocess.run(
        [sys.executable, PEER, source, target, str(rounds)],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(),
    )
    times: list[float] = json.loads(done.stdout.splitlines()[-1])
    return times


def _node(source: Path) -> float:
    """Time what Elyra does for a notebook node: papermill in a process of its own, kernel cold."""
    began = time.perf_counter()
    _peer(source, 1)
    return time.perf_counter() - began


def _environment() -> dict[str, str]:
    return {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def _notebook(cells: list[str]) -> dict[str, object]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{index}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for index, source in enumerate(cells)
        ],
    }


if __name__ == "__main__":
    main()
