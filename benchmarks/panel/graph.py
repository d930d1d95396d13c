"""How long a graph of 500 steps takes to open: `python -m benchmarks.panel.graph`.

From the command to the first steps and edges painted, in a tab of its own, with the notebook read
from disk and compiled; the engine runs, and has seen the notebook once.
"""

import argparse
import json
import random
import shutil
import statistics
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.panel.browser import fresh_page
from benchmarks.panel.lab import filled_lab
from benchmarks.peers import Aim, machine, verdicts
from tests.ui.conftest import CHROMIUM_FLAGS

NOTEBOOK = "graph.ipynb"
OPEN = """async notebook => {
  const start = performance.now();
  const app = window.jupyterapp;
  await app.commands.execute('mlplat:open-view', { view: 'pipeline', notebook });
  const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
  while (!document.querySelector('[data-node]') || !document.querySelector('.react-flow__edge')) {
    if (performance.now() - start > 60000) throw new Error('The graph did not open.');
    await frame();
  }
  await frame();
  await frame();
  const took = performance.now() - start;
  for (const widget of [...app.shell.widgets('main')]) {
    if (widget.id.startsWith('jp-mlplat-view')) widget.close();
  }
  return took;
}"""


def notebook_of(steps: int) -> dict[str, Any]:
    """Make a notebook whose steps each read two of the twelve before."""
    pick = random.Random(1)
    cells = []
    for number in range(steps):
        needs = {number - pick.randint(1, min(12, number)) for _ in range(2)} if number else set()
        cells.append(
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"mlplat": {"step": f"step-{number}"}},
                "source": f"v{number} = {' + '.join(f'v{it}' for it in sorted(needs)) or 1}",
                "outputs": [],
                "execution_count": None,
            }
        )
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.panel.graph", description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("The panel is measured in chromium: apt-get install chromium")
    with filled_lab(1, 1) as lab, sync_playwright() as playwright:
        (lab.folder / NOTEBOOK).write_text(json.dumps(notebook_of(given.steps)))
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        with fresh_page(browser, lab) as loaded:
            opening = [
                float(loaded.page.evaluate(OPEN, str(lab.folder / NOTEBOOK)))
                for _ in range(given.rounds + 1)
            ][1:]
        browser.close()
    print(machine(), "\n")
    found = statistics.median(opening)
    print(verdicts([Aim(f"a graph of {given.steps} steps opens, ms", found, 1000, False)]))


if __name__ == "__main__":
    main()
